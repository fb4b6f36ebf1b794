using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>haproxy with the configuration that is shipped (<c>deploy/haproxy</c>), before three silos.</summary>
internal sealed class LoadBalancer : IAsyncDisposable
{
    private const string Program = "haproxy";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ImmutableArray<Uri> _silos;
    private Process? _process;

    private LoadBalancer(ImmutableArray<Uri> silos)
    {
        _silos = silos;
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports.Free()}"));
    }

    /// <summary>Where agents and people find it; the same after each start.</summary>
    public Uri Address { get; }

    /// <summary>What keeps this machine from having one; null: nothing.</summary>
    public static string? Obstacle() => Commands.Exists(Program) ? null : "there is no program 'haproxy' (Debian: apt-get install haproxy).";

    public static async Task<LoadBalancer> CreateAsync(ImmutableArray<Uri> silos)
    {
        var made = new LoadBalancer(silos);
        await made.StartAsync();
        return made;
    }

    /// <summary>Starts it and waits until it takes connections.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo(Program, ["-db", "-f", Path.Combine(AppContext.BaseDirectory, "haproxy", "haproxy.cfg")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["BIND"] = Address.Authority },
        };
        for (var silo = 0; silo < _silos.Length; silo++)
        {
            start.Environment[string.Create(CultureInfo.InvariantCulture, $"SILO{silo + 1}")] = _silos[silo].Authority;
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var began = Stopwatch.GetTimestamp();
        while (!await Ports.ListensAsync(Address))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(began) > Patience)
            {
                throw new InvalidOperationException("haproxy did not start.");
            }

            await Task.Delay(10);
        }
    }

    /// <summary>Ends it at once, with every connection through it.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process)
        {
            return;
        }

        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}
