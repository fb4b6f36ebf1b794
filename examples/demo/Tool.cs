using System.Diagnostics;
using System.Text.Json;

namespace OrleansPolicy.Demo;

/// <summary>policyctl as a process, as a person or a pipeline would call it.</summary>
internal sealed class Tool(string program, string folder)
{
    private static readonly TimeSpan RunTimeout = TimeSpan.FromSeconds(90);

    public required Uri Server { get; init; }

    /// <summary>Runs it with <c>--json</c> and a key, and expects it to succeed.</summary>
    public async Task<JsonElement> RunAsync(string keyFile, CancellationToken cancellationToken, params string[] arguments)
    {
        var (exitCode, output, error) = await TryAsync(keyFile, cancellationToken, arguments);
        DemoFailureException.Unless(exitCode == 0, $"policyctl {string.Join(' ', arguments)} ended with {exitCode}: {error.Trim()}{output.Trim()}");
        return JsonElement.Parse(output);
    }

    /// <summary>The same whatever the exit code is.</summary>
    public async Task<(int ExitCode, string Output, string Error)> TryAsync(
        string keyFile, CancellationToken cancellationToken, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, [.. arguments, "--json", "--server", Server.ToString(), "--key-file", keyFile])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("POLICY_KEY");
        start.Environment.Remove("POLICY_TENANT");
        using var process = Process.Start(start) ?? throw new DemoFailureException($"{program} could not be started.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken).WaitAsync(RunTimeout, cancellationToken);
        return (process.ExitCode, await output, await error);
    }
}
