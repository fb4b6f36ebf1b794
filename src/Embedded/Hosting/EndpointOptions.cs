using System.Net;

namespace Orleans.Configuration;

/// <summary>Accepted and without effect: nothing listens.</summary>
public class EndpointOptions
{
    public IPAddress? AdvertisedIPAddress { get; set; }

    public int SiloPort { get; set; } = 11111;

    public int GatewayPort { get; set; } = 30000;

    public IPEndPoint? SiloListeningEndpoint { get; set; }

    public IPEndPoint? GatewayListeningEndpoint { get; set; }
}
