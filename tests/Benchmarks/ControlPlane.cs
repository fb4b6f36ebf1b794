using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Benchmarks;

/// <summary>The built control plane as a process of its own, on a free port, with its private PostgreSQL in a data folder.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _data;
    private readonly string[] _more;
    private readonly HttpClient _http;
    private Process? _process;

    /// <summary>Starts nothing yet.</summary>
    /// <param name="data">Its data folder.</param>
    /// <param name="hourSeconds">How long a contract hour lasts; null: an hour.</param>
    /// <param name="connectionString">Its database; null: a private one.</param>
    /// <param name="joins">Whether it is one silo of a cluster on that database.</param>
    public ControlPlane(string data, double? hourSeconds = null, string? connectionString = null, bool joins = false)
    {
        _data = data;
        _more =
        [
            .. hourSeconds is { } seconds ? ["--unsafe-time-scale", seconds.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(),
            .. connectionString is null ? Array.Empty<string>() : ["--connection-string", connectionString],
            .. joins ? ["--cluster", "adonet", "--silo-port", "0", "--gateway-port", "0", "--advertise", "127.0.0.1"] : Array.Empty<string>(),
        ];
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
        _http = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(5) };
    }

    public Uri Address { get; }

    /// <summary>Whether it was started and has not ended.</summary>
    public bool IsRunning => _process is { HasExited: false };

    public string AdminKey => File.ReadAllText(Path.Combine(_data, "admin.key")).Trim();

    /// <summary>Processor time of the process itself so far, without its PostgreSQL.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process!.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Memory of the process that is in RAM, without its PostgreSQL (VmRSS, proc(5)).</summary>
    public double ResidentMegabytes
    {
        get
        {
            var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process!.Id}/status"))
                .First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
        }
    }

    /// <summary>A new data folder that PostgreSQL's own user can enter where this runs as root.</summary>
    public static string NewDataFolder()
    {
        var data = Directory.CreateTempSubdirectory("policy-benchmark-").FullName;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(data, File.GetUnixFileMode(data) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        return data;
    }

    /// <summary>Starts it and waits for the first 200 of /readyz.</summary>
    public async Task<TimeSpan> StartAsync()
    {
        var start = Stopwatch.GetTimestamp();
        Launch();
        while (!await IsReadyAsync())
        {
            Expect(start, "did not get ready");
            await Task.Delay(10);
        }

        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Starts it and waits until its port takes a connection: from then on nobody is turned away.</summary>
    public async Task StartListeningAsync()
    {
        var start = Stopwatch.GetTimestamp();
        Launch();
        while (!await ListensAsync())
        {
            Expect(start, "does not listen");
            await Task.Delay(5);
        }
    }

    /// <summary>Kills it: it has no chance to say or write anything more.</summary>
    public async Task KillAsync()
    {
        using var process = _process!;
        process.Kill();
        await process.WaitForExitAsync();
        _process = null;
    }

    /// <summary>Freezes it or lets it go on: its connections stay open, and nobody answers.</summary>
    public async Task SignalAsync(string signal)
    {
        using var ask = Process.Start("kill", [$"-{signal}", _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        await ask.WaitForExitAsync();
    }

    public async Task StopAsync()
    {
        if (_process is not { } process)
        {
            return;
        }

        if (!process.HasExited)
        {
            await SignalAsync("TERM");
            await process.WaitForExitAsync();
        }

        process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
    }

    private void Launch()
    {
        _process = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "orleans-policy.dll"), "--urls", Address.ToString(), "--data", _data, .. _more])
        {
            RedirectStandardOutput = true,
        })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
    }

    private void Expect(long start, string otherwise)
    {
        if (_process!.HasExited || Stopwatch.GetElapsedTime(start) > Patience)
        {
            throw new InvalidOperationException($"The control plane {otherwise}.");
        }
    }

    private async Task<bool> ListensAsync()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, Address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri("/readyz", UriKind.Relative));
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
