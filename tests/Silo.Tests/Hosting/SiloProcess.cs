using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>The program itself, in a process of its own.</summary>
internal static class SiloProcess
{
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public const int SigCont = 18;
    public const int SigStop = 19;

    /// <summary>Starts it, deaf to the settings of whoever runs the tests.</summary>
    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "orleans-policy"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("ASPNETCORE_URLS");
        start.Environment.Remove("POLICY_DATA");
        return Process.Start(start)!;
    }

    /// <summary>What it prints until it is ready.</summary>
    public static async Task<string> ReadUntilReadyAsync(Process process)
    {
        var text = "";
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!text.EndsWith("ready\n", StringComparison.Ordinal))
        {
            var line = await process.StandardOutput.ReadLineAsync(limit.Token);
            if (line is null)
            {
                Assert.Fail($"It ended with {text} and {await process.StandardError.ReadToEndAsync(limit.Token)}");
            }

            text += line + "\n";
        }

        return text;
    }

    /// <summary>Sends it a signal.</summary>
    public static void Signal(Process process, int signal) => Assert.Equal(0, Kill(process.Id, signal));

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
