namespace Orleans.TestingHost;

/// <summary>What distinguishes a silo of a test cluster.</summary>
public sealed class InProcessTestSiloSpecificOptions
{
    public int SiloPort { get; set; }

    public int GatewayPort { get; set; }

    public string SiloName { get; set; } = "";
}
