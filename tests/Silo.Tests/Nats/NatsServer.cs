using System.Diagnostics;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Silo.Tests.Nats;

/// <summary>A real nats-server on a free port of loopback.</summary>
internal sealed partial class NatsServer : IDisposable
{
    private readonly string _program;
    private Process _process;
    private bool _isStopped;

    private NatsServer(string program, Process process, int port) => (_program, _process, Port) = (program, process, port);

    public int Port { get; }

    public string Url => $"nats://127.0.0.1:{Port}";

    /// <summary>Starts one; the test is skipped where the program is not installed.</summary>
    public static async Task<NatsServer> StartAsync()
    {
        var program = Programs.Find("nats-server", Environment.GetEnvironmentVariable("POLICY_NATS_SERVER"));
        Assert.SkipWhen(program is null, "nats-server is not installed (Debian, Ubuntu: the package nats-server).");
        var process = Start(program!, port: -1);
        return new NatsServer(program!, process, await PortOfAsync(process));
    }

    public void Stop()
    {
        // A test that ends while it is stopped has nothing more to stop.
        if (_isStopped)
        {
            return;
        }

        _isStopped = true;
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>Starts it again where it was.</summary>
    public async Task StartAgainAsync()
    {
        _process = Start(_program, Port);
        _isStopped = false;
        await PortOfAsync(_process);
    }

    public void Dispose() => Stop();

    private static Process Start(string program, int port) => Process.Start(
        new ProcessStartInfo(program, ["-a", "127.0.0.1", "-p", $"{port}"]) { RedirectStandardError = true })!;

    private static async Task<int> PortOfAsync(Process process)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var (port, text) = (0, "");
        while (await process.StandardError.ReadLineAsync(deadline.Token) is { } line)
        {
            text += line + "\n";
            port = Listening().Match(line) is { Success: true } match ? int.Parse(match.Groups[1].Value, null) : port;
            if (line.Contains("Server is ready", StringComparison.Ordinal))
            {
                // Whatever else it says must not fill the pipe.
                _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                return port;
            }
        }

        throw new InvalidOperationException("nats-server did not start: " + text);
    }

    [GeneratedRegex(@"Listening for client connections on 127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();
}

/// <summary>Where programs are.</summary>
internal static class Programs
{
    /// <summary>The program at a given place, else where systems put it; null: nowhere.</summary>
    public static string? Find(string name, string? given = null) =>
        new[] { given }
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Select(folder => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
}
