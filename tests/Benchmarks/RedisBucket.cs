using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// A token bucket as a Lua script in a Redis server of its own (Debian's <c>redis-server</c>): what many use for rate limits. Spoken to
/// in RESP over a Unix socket.
/// </summary>
internal sealed class RedisBucket : IAsyncDisposable
{
    private const string Script =
        """
        local t = redis.call('TIME')
        local now = t[1] * 1000000 + t[2]
        local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
        local max = tonumber(ARGV[1])
        local tokens = tonumber(state[1]) or max
        local at = tonumber(state[2]) or now
        tokens = math.min(max, tokens + math.max(0, now - at) * max / 60000000)
        local allowed = 0
        if tokens >= 1 then tokens = tokens - 1 allowed = 1 end
        redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
        return allowed
        """;

    private readonly string _folder;
    private readonly Process _server;
    private readonly byte[] _take;
    private readonly byte[] _buffer = new byte[256];
    private Socket? _socket;

    private RedisBucket(string folder, Process server, byte[] take) => (_folder, _server, _take) = (folder, server, take);

    /// <summary>Starts a server. <paramref name="sync"/>: everysec or always; null: it keeps nothing on disk.</summary>
    public static async Task<RedisBucket> StartAsync(string? sync)
    {
        var folder = Directory.CreateTempSubdirectory("policy-redis-").FullName;
        var path = Path.Combine(folder, "socket");
        var server = Process.Start(new ProcessStartInfo(
            "redis-server",
            ["--port", "0", "--unixsocket", path, "--dir", folder, "--save", "", "--appendonly", sync is null ? "no" : "yes", "--appendfsync", sync ?? "no"])
        {
            RedirectStandardOutput = true,
        }) ?? throw new InvalidOperationException("redis-server does not start.");
        server.OutputDataReceived += (_, _) => { };
        server.BeginOutputReadLine();
        var made = new RedisBucket(folder, server, Command("EVAL", Script, "1", "bucket", "60000"));
        for (var attempt = 0; made._socket is null; attempt++)
        {
            try
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
                made._socket = socket;
            }
            catch (SocketException) when (attempt < 200)
            {
                await Task.Delay(25);
            }
        }

        return made;
    }

    /// <summary>Takes one token, and waits for the answer.</summary>
    public void Take()
    {
        _socket!.Send(_take);
        var read = _socket.Receive(_buffer);
        if (read < 4 || _buffer[0] != (byte)':')
        {
            throw new InvalidOperationException("Redis answered: " + Encoding.ASCII.GetString(_buffer, 0, read));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket?.Dispose();
        _server.Kill();
        await _server.WaitForExitAsync();
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static byte[] Command(params string[] words)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"*{words.Length}\r\n"));
        foreach (var word in words)
        {
            text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
