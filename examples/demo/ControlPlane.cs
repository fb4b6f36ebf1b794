using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Demo;

/// <summary>The built control plane as a child process with a data folder of its own.</summary>
internal sealed partial class ControlPlane(string program, string data, double hourSeconds) : IAsyncDisposable
{
    private const int SignalTerminate = 15;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    private Process? _process;

    public Uri Address { get; private set; } = null!;

    public string AdminKeyFile => Path.Combine(data, "admin.key");

    public string LogFile => data + ".log";

    /// <summary>Starts it on a free port (the first time) or on the one it had, and waits until it is ready.</summary>
    public async Task<TimeSpan> StartAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var url = Address is null ? "http://127.0.0.1:0" : Address.GetLeftPart(UriPartial.Authority);
        string[] arguments =
        [
            "--urls", url, "--data", data, "--unsafe-time-scale", hourSeconds.ToString(CultureInfo.InvariantCulture), "--log-level", "warning",
        ];
        var ready = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        Uri? listening = null;
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true },
            EnableRaisingEvents = true,
        };
        process.OutputDataReceived += (_, e) => Heard(e.Data);
        process.ErrorDataReceived += (_, e) => Heard(e.Data);
        process.Exited += (_, _) => ready.TrySetException(new DemoFailureException($"The control plane ended before it was ready; see {LogFile}."));
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        Address = await ready.Task.WaitAsync(StartTimeout, cancellationToken);
        return Stopwatch.GetElapsedTime(started);

        void Heard(string? line)
        {
            if (line is null)
            {
                return;
            }

            lock (this)
            {
                File.AppendAllText(LogFile, line + "\n");
            }

            if (Listening().Match(line) is { Success: true } match)
            {
                listening = new Uri(match.Groups[1].Value);
            }
            else if (line == "ready" && listening is not null)
            {
                ready.TrySetResult(listening);
            }
        }
    }

    /// <summary>Asks it to stop, and waits. The answer is its exit code and how long it took.</summary>
    public async Task<(int ExitCode, TimeSpan Took)> StopAsync(CancellationToken cancellationToken)
    {
        var process = _process ?? throw new InvalidOperationException("It is not running.");
        var started = Stopwatch.GetTimestamp();
        if (Kill(process.Id, SignalTerminate) != 0)
        {
            throw new DemoFailureException("The control plane could not be told to stop.");
        }

        await process.WaitForExitAsync(cancellationToken).WaitAsync(StopTimeout, cancellationToken);
        _process = null;
        return (process.ExitCode, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>Kills it: it has no chance to say or write anything more.</summary>
    public async Task KillAsync()
    {
        var process = _process ?? throw new InvalidOperationException("It is not running.");
        process.Kill();
        await process.WaitForExitAsync(CancellationToken.None).WaitAsync(StopTimeout);
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not { HasExited: false } process)
        {
            return;
        }

        try
        {
            await StopAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is DemoFailureException or TimeoutException)
        {
            process.Kill(entireProcessTree: true);
        }
    }

    [GeneratedRegex(@"^\s*listening\s+(http://\S+)")]
    private static partial Regex Listening();

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
