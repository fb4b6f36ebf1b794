using System.Diagnostics;
using System.Globalization;
using System.Net;
using OrleansPolicy.Benchmarks.Faults;

namespace OrleansPolicy.Benchmarks;

/// <summary>The built control plane as a process of its own, on a free port, with its private PostgreSQL in a data folder.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _data;
    private readonly string[] _command;
    private readonly HttpClient _http;
    private Process? _process;

    /// <summary>Starts nothing yet.</summary>
    /// <param name="data">Its data folder.</param>
    /// <param name="hourSeconds">How long a contract hour lasts; null: an hour.</param>
    /// <param name="connectionString">Its database; null: a private one.</param>
    /// <param name="joins">Whether it is one silo of a cluster on that database.</param>
    /// <param name="place">Where it listens; null: on this machine, reached by nobody else.</param>
    /// <param name="more">More of its command line.</param>
    public ControlPlane(
        string data, double? hourSeconds = null, string? connectionString = null, bool joins = false, SiloPlace? place = null, params ReadOnlySpan<string> more)
    {
        place ??= SiloPlace.Here;
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://{place.Address}:{Ports.Free()}"));
        _http = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(5) };
        _data = data;
        _command =
        [
            // It becomes the program, so that the process is the silo.
            .. place.Namespace is { } name ? ["ip", "netns", "exec", name] : Array.Empty<string>(),
            "dotnet", Path.Combine(AppContext.BaseDirectory, "orleans-policy.dll"), "--urls", Address.ToString(), "--data", _data,
            .. hourSeconds is { } seconds ? ["--unsafe-time-scale", seconds.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(),
            .. connectionString is null ? Array.Empty<string>() : ["--connection-string", connectionString],
            .. joins ? ["--cluster", "adonet", "--silo-port", "0", "--gateway-port", "0", "--advertise", place.Address.ToString()] : Array.Empty<string>(),
            .. more,
        ];
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
    public double ResidentMegabytes => ReadMegabytes("VmRSS:");

    /// <summary>The most that it ever was (VmHWM).</summary>
    public double PeakMegabytes => ReadMegabytes("VmHWM:");

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
        while (!await Ports.ListensAsync(Address))
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

    private double ReadMegabytes(string what)
    {
        var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{_process!.Id}/status"))
            .First(text => text.StartsWith(what, StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }

    private void Launch()
    {
        _process = Process.Start(new ProcessStartInfo(_command[0], _command[1..]) { RedirectStandardOutput = true })!;
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
}
