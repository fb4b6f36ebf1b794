using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Benchmarks;

/// <summary>Ports of this machine.</summary>
internal static class Ports
{
    /// <summary>One on which nobody listens now.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Whether somebody takes connections at an address.</summary>
    public static async Task<bool> ListensAsync(Uri address)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address.Host, address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
