using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// A web application that asks its policy node before each answer, under wrk, while the node reloads 100 times between two bundles
/// of 1,000 rules, four times a second or once; beside it the same load without reloads, in turn, and with a thread that does nothing but be
/// busy as often for about as long: what that costs is the processor, what reloads cost beyond it is the collector. A request that fails or
/// is denied ends the benchmark. The bundles have all rules but one in common, as most reloads have; or none, each text of a rule being another one.
/// </summary>
internal static class ReloadUnderLoad
{
    private const int Seconds = 25;
    private static readonly TimeSpan Busy = TimeSpan.FromMilliseconds(6);

    // 16 clients that ask again at once: the processors are full.
    private static readonly Load Full = new("16 connections, no pause", 16, "wrk.method = \"GET\"\n", Rounds: 3, Reloads: 100);

    // Reloads that come as seldom as those of a fleet, which is still never this often.
    private static readonly Load EachSecond = Full with { Name = "16 connections, no pause, a reload each second", Rounds = 4, Reloads = 25 };

    // 256 that think for 8 to 17 ms, about 20,000 requests a second: whoever waits holds up nobody else, and there is room beside them.
    private static readonly Load Paced = new(
        "256 connections, pauses of 8 to 17 ms", 256, "wrk.method = \"GET\"\nfunction delay() return math.random(8, 17) end\n", 3, 100);

    /// <summary>With clients that take all there is.</summary>
    public static Task RunFullAsync(Report report) => RunAsync(report, Full);

    /// <summary>The same with 100 reloads in 100 s.</summary>
    public static Task RunEachSecondAsync(Report report) => RunAsync(report, EachSecond);

    /// <summary>With clients that leave room.</summary>
    public static Task RunPacedAsync(Report report) => RunAsync(report, Paced);

    private static async Task RunAsync(Report report, Load load)
    {
        var folder = Directory.CreateTempSubdirectory("policy-benchmark-").FullName;
        try
        {
            using var bundles = new LargeBundles();
            await MeasureAsync(report, folder, load, bundles.Root, "one rule more or less", [bundles.OfRules(1_000), bundles.OfRules(1_001)]);
            await MeasureAsync(report, folder, load, bundles.Root, "all rules other ones", [bundles.OfRules(1_000), bundles.OfOtherRules(1_000)]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(Report report, string folder, Load load, TrustRoot root, string change, byte[][] contents)
    {
        var file = Path.Combine(folder, "bundle.json");
        await File.WriteAllBytesAsync(file, contents[0]);
        await using var node = await PolicyNode.StartAsync(new PolicyNodeOptions
        {
            BundleFile = file,
            BundleFilePoll = TimeSpan.FromMinutes(10),
            TrustRoot = root,
        });
        await using var app = await ServeAsync(node);
        var url = new Uri(new Uri(app.Urls.First()), "/");
        var script = Path.Combine(folder, "get.lua");
        await File.WriteAllTextAsync(script, load.Script);

        var (with, busy, without, reloads) = (new List<double>(), new List<double>(), new List<double>(), 0L);
        var (pauses, collections) = (TimeSpan.Zero, 0);
        var requests = 0L;
        Wrk.Run(script, url, 5, load.Connections); // For the compilers.
        for (var round = 0; round < load.Rounds; round++)
        {
            without.Add(Wrk.Run(script, url, Seconds, load.Connections).P99Ms);
            busy.Add((await LoadedAsync(script, url, load, _ => Task.Run(BeBusy))).P99Ms);
            var (before, pausedBefore, collectedBefore) = (node.Status.Reloads.Succeeded, GC.GetTotalPauseDuration(), GC.CollectionCount(0));
            var loaded = await LoadedAsync(script, url, load, async i =>
            {
                await File.WriteAllBytesAsync(file + ".new", contents[i % 2]);
                File.Move(file + ".new", file, overwrite: true);
            });
            with.Add(loaded.P99Ms);
            requests += (long)(loaded.PerSecond * Seconds);
            reloads += node.Status.Reloads.Succeeded - before;
            pauses += GC.GetTotalPauseDuration() - pausedBefore;
            collections += GC.CollectionCount(0) - collectedBefore;
        }

        report.Pair(new Samples($"{load.Name}: 99th percentile during 100 reloads, {change}", "ms", with), new Samples("without reloads", "ms", without), string.Create(
            CultureInfo.InvariantCulture, $"{reloads} reloads, 0 of {requests} requests dropped, {collections} collections paused for {pauses.TotalMilliseconds:0} ms"));
        report.Row(new Samples("beside a thread that is busy for 6 ms as often", "ms", busy));
    }

    private static async Task<(double PerSecond, double P99Ms)> LoadedAsync(string script, Uri url, Load load, Func<int, Task> disturb)
    {
        var running = Task.Run(() => Wrk.Run(script, url, Seconds, load.Connections));
        for (var i = 1; i <= load.Reloads; i++)
        {
            await disturb(i);
            await Task.Delay(TimeSpan.FromSeconds(Seconds - 2.0) / load.Reloads);
        }

        return await running;
    }

    private static void BeBusy()
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < Busy)
        {
            Thread.SpinWait(100);
        }
    }

    private static async Task<WebApplication> ServeAsync(PolicyNode node)
    {
        var asked = DecisionContext.Parse(
            """{"subject":{"id":"u-17","type":"user","tenant":"acme","status":"active","country":"DE"},"request":{"method":"GET","ip":"203.0.113.9","tls":1.3},"environment":"prod","resource":{"owner":"u-17","tenant":"acme"}}"""u8);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/", http =>
        {
            http.Response.StatusCode = node.Decide("service0.orders.read", asked).Allowed ? StatusCodes.Status200OK : StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        });
        await app.StartAsync();
        return app;
    }

    private sealed record Load(string Name, int Connections, string Script, int Rounds, int Reloads);
}
