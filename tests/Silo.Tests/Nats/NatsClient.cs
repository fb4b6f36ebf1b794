using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace OrleansPolicy.Silo.Tests.Nats;

/// <summary>As much of NATS' client protocol as the tests speak: another implementation than the bridge's.</summary>
internal sealed class NatsClient : IAsyncDisposable
{
    private readonly TcpClient _tcp;
    private readonly NetworkStream _stream;
    private readonly ConcurrentDictionary<string, ChannelWriter<string>> _subscriptions = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Channel<bool> _pongs = Channel.CreateUnbounded<bool>();
    private readonly Task _reading;
    private int _last;

    private NatsClient(TcpClient tcp)
    {
        (_tcp, _stream) = (tcp, tcp.GetStream());
        _reading = ReadAsync();
    }

    public static async Task<NatsClient> ConnectAsync(NatsServer server)
    {
        var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync("127.0.0.1", server.Port);
        var client = new NatsClient(tcp);
        await client.WriteAsync("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false}\r\n"u8.ToArray());
        return client;
    }

    /// <summary>From the moment that the server knows of it.</summary>
    public async Task<ChannelReader<string>> SubscribeAsync(string subject)
    {
        var messages = Channel.CreateUnbounded<string>();
        var id = Interlocked.Increment(ref _last).ToString(CultureInfo.InvariantCulture);
        _subscriptions[id] = messages.Writer;
        await WriteAsync(Encoding.ASCII.GetBytes($"SUB {subject} {id}\r\nPING\r\n"));
        await _pongs.Reader.ReadAsync();
        return messages.Reader;
    }

    public Task PublishAsync(string subject, byte[] payload, string? reply = null) =>
        WriteAsync([.. Encoding.ASCII.GetBytes($"PUB {subject} {reply} {payload.Length}\r\n"), .. payload, (byte)'\r', (byte)'\n']);

    /// <summary>The answer, or null where none comes in time.</summary>
    public async Task<JsonElement?> RequestAsync(string subject, byte[] payload, double seconds = 60)
    {
        var inbox = $"_INBOX.{Guid.NewGuid():N}";
        var answers = await SubscribeAsync(inbox);
        await PublishAsync(subject, payload, inbox);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            return JsonElement.Parse(await answers.ReadAsync(deadline.Token));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _tcp.Dispose();
        await _reading;
        _writing.Dispose();
    }

    private async Task WriteAsync(byte[] bytes)
    {
        await _writing.WaitAsync();
        try
        {
            await _stream.WriteAsync(bytes);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await ReadLineAsync() is { } line)
            {
                switch (line.Split(' '))
                {
                    case ["PING"]:
                        await WriteAsync("PONG\r\n"u8.ToArray());
                        break;
                    case ["PONG"]:
                        _pongs.Writer.TryWrite(true);
                        break;
                    case ["MSG", _, var id, .., var length]:
                        var payload = new byte[int.Parse(length, CultureInfo.InvariantCulture) + 2];
                        await _stream.ReadExactlyAsync(payload);
                        _subscriptions[id].TryWrite(Encoding.UTF8.GetString(payload.AsSpan(..^2)));
                        break;
                    default:
                        break;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The server was stopped, or the test is over.
        }
    }

    private async Task<string?> ReadLineAsync()
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (await _stream.ReadAsync(one) == 1)
        {
            if (one[0] == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append((char)one[0]);
        }

        return null;
    }
}
