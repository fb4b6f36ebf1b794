using System.Diagnostics;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>Programs of this machine that do one thing and end.</summary>
internal static class Commands
{
    public static bool Exists(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Throws <see cref="InvalidOperationException"/> with what it said where it does not go well.</summary>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        if (await TryRunAsync(program, arguments) is { } said)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {said}");
        }
    }

    /// <summary>Null: it went well. Else what it said.</summary>
    public static async Task<string?> TryRunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var said = process.StandardOutput.ReadToEndAsync();
        var complained = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? null : $"{await said}{await complained}".Trim();
    }
}
