using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>A way to the server that breaks when it is told to: what was asked has been done by then, and nobody hears of it.</summary>
internal sealed class LostAnswers : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Task> _carrying = [];
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly CancellationTokenSource _over = new();
    private readonly UnixDomainSocketEndPoint _server;
    private readonly Task _accepting;
    private int _toLose;

    public LostAnswers(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        _server = new UnixDomainSocketEndPoint($"{settings.Host}/.s.PGSQL.{settings.Port}");
        _listener.Start();
        (settings.Host, settings.Port) = (IPAddress.Loopback.ToString(), ((IPEndPoint)_listener.LocalEndpoint).Port);
        ConnectionString = settings.ConnectionString;
        _accepting = AcceptAsync();
    }

    /// <summary>Goes this way.</summary>
    public string ConnectionString { get; }

    /// <summary>How many answers were lost.</summary>
    public int Lost { get; private set; }

    /// <summary>The next answer is lost, and its connection with it.</summary>
    public void LoseNext() => Volatile.Write(ref _toLose, 1);

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Stop();
        await _accepting;
        foreach (var socket in _sockets)
        {
            socket.Dispose();
        }

        await Task.WhenAll(_carrying);
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_over.Token);
                var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                _sockets.Add(client);
                _sockets.Add(server);
                client.NoDelay = true;
                await server.ConnectAsync(_server);
                _carrying.Add(CarryAsync(client, server, isAnswer: false));
                _carrying.Add(CarryAsync(server, client, isAnswer: true));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // It is over, or the next call finds that it cannot connect.
            }
        }
    }

    private async Task CarryAsync(Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer.AsMemory()) is > 0 and var count)
            {
                // ReadyForQuery in a transaction of its own, with which each answer ends: the server has committed. It is short enough to
                // come in one piece with what is before it.
                if (isAnswer && buffer.AsSpan(0, count).EndsWith("Z\0\0\0\u0005I"u8) && Interlocked.Exchange(ref _toLose, 0) == 1)
                {
                    Lost++;
                    break;
                }

                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One end is gone; so is the other, then.
        }

        from.Dispose();
        to.Dispose();
    }
}
