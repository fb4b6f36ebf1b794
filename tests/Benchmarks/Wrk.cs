using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Benchmarks;

/// <summary>Runs wrk (Debian: apt-get install wrk).</summary>
internal static partial class Wrk
{
    /// <summary>Requests per second, and the 99th percentile of their times in milliseconds. Every answer must be 2xx.</summary>
    public static (double PerSecond, double P99Ms) Run(string script, Uri url, int seconds, int connections = 16)
    {
        using var wrk = Peers.Start(
            "wrk", "-t1", Invariant($"-c{connections}"), Invariant($"-d{seconds}s"), "--latency", "-s", script, url.ToString());
        var text = wrk.StandardOutput.ReadToEnd();
        wrk.WaitForExit();
        if (text.Contains("Non-2xx", StringComparison.Ordinal) || text.Contains("Socket errors", StringComparison.Ordinal) || PerSecond().Match(text) is not { Success: true } rate || P99().Match(text) is not { Success: true } p99)
        {
            throw new InvalidOperationException($"wrk {url} did not go well:\n{text}");
        }

        var unit = p99.Groups[2].Value switch { "us" => 0.001, "ms" => 1, _ => 1_000 };
        return (Number(rate.Groups[1]), Number(p99.Groups[1]) * unit);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static double Number(Group group) => double.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([0-9.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"99%\s+([0-9.]+)(us|ms|s)")]
    private static partial Regex P99();
}
