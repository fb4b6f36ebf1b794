using System.Collections.Concurrent;
using System.Net.Sockets;
using OrleansPolicy.Client;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>The network of some agents. Cut, it carries nothing more: neither what is open nor what is tried anew.</summary>
internal sealed class Cable
{
    private readonly ConcurrentBag<Socket> _sockets = [];
    private volatile bool _isCut;

    public Cable() => Transport = new PolicyTransport(configure: handler => handler.ConnectCallback = async (context, cancellationToken) =>
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _sockets.Add(socket);
        if (!_isCut)
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
        }

        if (_isCut)
        {
            socket.Dispose();
            throw new IOException("The cable is cut.");
        }

        return new NetworkStream(socket, ownsSocket: true);
    });

    public PolicyTransport Transport { get; }

    public void Cut()
    {
        _isCut = true;
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }
    }

    public void Mend() => _isCut = false;
}
