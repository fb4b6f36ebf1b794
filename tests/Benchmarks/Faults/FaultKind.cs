using System.Collections.Immutable;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>What breaks, and how it is mended.</summary>
/// <param name="Name">What it is called on the command line and in results.</param>
/// <param name="What">What happens, for the table.</param>
/// <param name="BreakAsync">Breaks it, given the index of the silo that drives the rollout.</param>
/// <param name="MendAsync">Mends what is still broken once everybody is where they ought to be, given also since when it has been broken.</param>
internal sealed record FaultKind(string Name, string What, Func<FaultSite, int, Task> BreakAsync, Func<FaultSite, int, DateTimeOffset, Task> MendAsync)
{
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Cut = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BalancerAway = TimeSpan.FromSeconds(2);

    /// <summary>Whether silos and their database are on a network of their own, whose cables can be cut.</summary>
    public bool OnNetwork { get; init; }

    /// <summary>Whether agents and the admin reach the silos through a load balancer alone.</summary>
    public bool Balanced { get; init; }

    /// <summary>All of them.</summary>
    public static ImmutableArray<FaultKind> All { get; } =
    [
        new("nothing", "nothing, for comparison", (_, _) => Task.CompletedTask, NothingLeft),
        new("kill", "the driving silo killed (`kill -9`)", (site, silo) => site.Silos[silo].KillAsync(), (site, silo, _) => site.StartAsync(silo)),
        new("term", "the driving silo told to stop (SIGTERM) and started again", (site, silo) => site.Silos[silo].SignalAsync("TERM"), (site, silo, _) => site.RestartAsync(silo)),
        new("stop", $"the driving silo frozen for {Frozen.TotalSeconds:0} s (SIGSTOP)", (site, silo) => site.Silos[silo].SignalAsync("STOP"), ThawAsync),
        new("postgres", "PostgreSQL stopped and started", (site, _) => site.RestartDatabaseAsync(), NothingLeft),
        new("cut", $"the driving silo's network cut for {Cut.TotalSeconds:0} s", (site, silo) => site.CutAsync(silo), JoinAsync) { OnNetwork = true },
        new("balancer", $"the load balancer killed and started after {BalancerAway.TotalSeconds:0} s", (site, _) => site.RestartBalancerAsync(BalancerAway), NothingLeft) { Balanced = true },
        new("rolling", "all three silos restarted, one after the other", (site, _) => site.RestartAllAsync(), NothingLeft),
    ];

    private static Task NothingLeft(FaultSite site, int silo, DateTimeOffset since) => Task.CompletedTask;

    private static async Task ThawAsync(FaultSite site, int silo, DateTimeOffset since)
    {
        await LastAsync(Frozen, since);
        await site.Silos[silo].SignalAsync("CONT");
        await site.ReplaceAsync(silo);
    }

    private static async Task JoinAsync(FaultSite site, int silo, DateTimeOffset since)
    {
        await LastAsync(Cut, since);
        await site.MendAsync(silo);
        await site.ReplaceAsync(silo);
    }

    private static async Task LastAsync(TimeSpan wanted, DateTimeOffset since)
    {
        var left = wanted - (DateTimeOffset.UtcNow - since);
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }
}
