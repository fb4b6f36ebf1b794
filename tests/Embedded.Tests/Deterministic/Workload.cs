using Microsoft.Extensions.DependencyInjection;
using Orleans.Embedded;
using Orleans.TestingHost;

namespace OrleansPolicy.Embedded.Tests.Deterministic;

/// <summary>Grains with calls, timers, reminders, observers and a silo that crashes, all under one seed.</summary>
internal static class Workload
{
    private static readonly TimeSpan s_limit = TimeSpan.FromHours(12);

    public static List<string> Trace(int seed)
    {
        var trace = new List<string>();
        var run = new SeededRun(seed, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
        {
            OnTurn = (number, time, who) => trace.Add($"{number} {time} {who}"),
        };
        run.Run(() => DriveAsync(run, trace), s_limit);
        return trace;
    }

    private static async Task DriveAsync(SeededRun run, List<string> trace)
    {
        var builder = new InProcessTestClusterBuilder(3);
        builder.ConfigureHost(host => host.Services.AddSingleton<TimeProvider>(run.Time).AddSingleton(run.Sources));
        builder.ConfigureSilo((_, silo) =>
        {
            TestCluster.AddJson(silo.Services);
            silo.UseInMemoryReminderService();
            silo.AddMemoryGrainStorage("chosen");
            silo.Configure<Orleans.Configuration.GrainCollectionOptions>(options => options.CollectionQuantum = TimeSpan.FromMilliseconds(500));
        });
        builder.ConfigureClient(client => TestCluster.AddJson(client.Services));

        // Not disposed: an orderly end of a host hops to other threads, and a crash needs no end.
        var cluster = builder.Build();
        await cluster.DeployAsync();

        var grains = Enumerable.Range(0, 5).Select(i => cluster.Client.GetGrain<IDeterministicGrain>($"grain-{i}")).ToArray();
        await Task.WhenAll(grains.Select((grain, i) => grain.StartAsync(grains[(i + 1) % grains.Length].GetPrimaryKeyString())));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => grains[i % grains.Length].WorkAsync(TimeSpan.FromMilliseconds(10 * (i % 7)))));
        var work = Task.WhenAll(grains.Select(grain => grain.WorkAsync(TimeSpan.FromSeconds(1))));
        await Task.Delay(TimeSpan.FromMilliseconds(500), run.Time);
        cluster.Silos[1].ServiceProvider.GetRequiredService<Silo>().Disappear();
        try
        {
            await work;
        }
        catch (SiloUnavailableException exception)
        {
            trace.Add(exception.Message);
        }

        await Task.Delay(TimeSpan.FromHours(3), run.Time);
        foreach (var grain in grains)
        {
            trace.Add($"{grain.GetPrimaryKeyString()}: {await grain.CountAsync()}");
        }
    }
}
