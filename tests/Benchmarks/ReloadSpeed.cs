using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// From a bundle's bytes to the moment at which it could be swapped in: verified under two signatures, read, compiled and warmed.
/// Beside it, the least that anybody must do with the bytes: parse and hash them.
/// </summary>
internal static class ReloadSpeed
{
    private const int WarmUps = 60;
    private const int Rounds = 9;
    private const int ColdRounds = 5;

    // A node keeps what it serves while it reads what comes next.
    private static PreparedPolicy? _inForce;

    public static Task RunAsync(Report report)
    {
        using var bundles = new LargeBundles();
        var example = bundles.OfRules(1_000);
        for (var i = 0; i < WarmUps; i++)
        {
            Reload(example, bundles.Root);
        }

        foreach (var count in (int[])[1_000, 10_000])
        {
            byte[][] contents = [bundles.OfRules(count), bundles.OfRules(count + 1)];
            var turn = 0;
            Beside(report, $"reload of {count} rules, {contents[0].Length / 1024} KiB, all of them read", () => Reload(contents[0], bundles.Root), contents[0]);
            Beside(
                report, $"the same beside a bundle that has all but one of them", () => Reload(contents[turn++ & 1], bundles.Root, _inForce), contents[0]);
        }

        var megabyte = bundles.OfSize(1_000_000);
        var dense = LargeBundles.Dense(bundles.OfSize(1_600_000));
        Beside(report, $"verification of {megabyte.Length} bytes as published, 2 of 3 signatures", () => Verify(megabyte, bundles.Root), megabyte);
        Beside(report, "of that: its canonical form", () => _ = CanonicalJson.TryCanonicalize(megabyte), megabyte);
        Beside(report, $"verification of {dense.Length} bytes without white space, likewise", () => Verify(dense, bundles.Root), dense);
        GC.KeepAlive(_inForce);
        report.Row(new Samples("reload of 1000 rules, the first of a process", "ms", FirstReloads()));
        return Task.CompletedTask;
    }

    /// <summary>The first reload of this process, in milliseconds; for <see cref="RunAsync"/>, which starts processes for it.</summary>
    public static Task RunFirstAsync(Report report)
    {
        using var bundles = new LargeBundles();
        var content = bundles.OfRules(1_000);
        var start = Stopwatch.GetTimestamp();
        Reload(content, bundles.Root);
        Console.WriteLine(Stopwatch.GetElapsedTime(start).TotalMilliseconds.ToString("R", CultureInfo.InvariantCulture));
        return Task.CompletedTask;
    }

    private static void Reload(byte[] content, TrustRoot root, PreparedPolicy? previous = null)
    {
        var prepared = PreparedPolicy.Prepare(content, root, new PreparationOptions { Previous = previous });
        if (!prepared.Succeeded)
        {
            throw new InvalidOperationException(prepared.Problems[0].Message);
        }

        WarmUp.Run(prepared.Value, [], DateTimeOffset.UtcNow);
        _inForce = prepared.Value;
    }

    private static void Verify(byte[] content, TrustRoot root)
    {
        if (!BundleVerifier.Verify(content, root, new BundleReadOptions(), SigningUse.Serve).Succeeded)
        {
            throw new InvalidOperationException("The bundle is not what it should be.");
        }
    }

    private static void Beside(Report report, string name, Action run, byte[] content)
    {
        void ParseAndHash()
        {
            using var document = JsonDocument.Parse(content);
            SHA256.HashData(content);
        }

        var (ours, floor) = Alternation.NanosecondsPerOperation(name, Repeat(run), "floor: parse and hash it", Repeat(ParseAndHash), Rounds);
        report.Pair(InMilliseconds(ours), InMilliseconds(floor));
    }

    private static Action<int> Repeat(Action run) => operations =>
    {
        for (var i = 0; i < operations; i++)
        {
            run();
        }
    };

    private static Samples InMilliseconds(Samples nanoseconds) => new(nanoseconds.Name, "ms", [.. nanoseconds.Values.Select(value => value / 1e6)]);

    private static double[] FirstReloads() => [.. Enumerable.Range(0, ColdRounds).Select(_ =>
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(ReloadSpeed).Assembly.Location, "reload-first"]) { RedirectStandardOutput = true })!;
        return double.Parse(process.StandardOutput.ReadToEnd().Split('\n')[0], CultureInfo.InvariantCulture);
    })];
}
