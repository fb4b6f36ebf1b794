using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Silo.Tests.Nats;

/// <summary>A wire between another process and a server. Cut, it ends what is open and lets nothing new through.</summary>
internal sealed class Relay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _ends = [];
    private readonly Uri _server;
    private volatile bool _isCut;

    public Relay(Uri server)
    {
        _server = server;
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public void Cut()
    {
        _isCut = true;
        foreach (var end in _ends)
        {
            end.Dispose();
        }
    }

    public void Mend() => _isCut = false;

    public void Dispose()
    {
        _listener.Dispose();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = CarryAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // It is over.
        }
    }

    private async Task CarryAsync(TcpClient near)
    {
        using var far = new TcpClient();
        using (near)
        {
            _ends.Add(near);
            _ends.Add(far);
            try
            {
                if (!_isCut)
                {
                    await far.ConnectAsync(_server.Host, _server.Port);
                    var (one, other) = (near.GetStream(), far.GetStream());
                    await Task.WhenAny(one.CopyToAsync(other), other.CopyToAsync(one));
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Cut, or one side has ended.
            }
        }
    }
}
