using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Never more rollouts of a tenant are in flight than it lets be, whoever starts them at the same instant.</summary>
public class TenantCapTests(PostgresServer server)
{
    [Fact]
    public async Task Of_many_starts_at_the_same_instant_on_two_silos_as_many_succeed_as_may_be_in_flight()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 2);
        string[] fleets = ["a", "b", "c", "d"];
        await PrepareAsync(cluster, fleets);
        await CapAsync(cluster, 2);

        // No commit before all have seen that nothing is in flight; a machine that is too slow for that shows less, and nothing wrong.
        var (read, allRead) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        cluster.Faults.InFlightWasRead = () =>
        {
            if (Interlocked.Increment(ref read) == fleets.Length)
            {
                allRead.SetResult();
            }
        };
        cluster.Faults.BeforeCommit = (_, change) =>
            change.Rollout is { ExpectedRevision: 0 } ? Task.WhenAny(allRead.Task, Task.Delay(TimeSpan.FromSeconds(3))) : Task.CompletedTask;

        var started = await Task.WhenAll(fleets.Select(fleet => Task.Run(() => StartRolloutAsync(cluster, fleet))));

        Assert.Equal(2, started.Count(outcome => outcome.Succeeded || Code(outcome) == CommonCodes.OperationExists));
        Assert.Equal(2, started.Count(outcome => !outcome.Succeeded && Code(outcome) == RolloutProblems.TenantCap));
        Assert.Equal(2, (await cluster.Store.ListInFlightAsync(new ArmScope(Tenant))).Length);
    }

    [Fact]
    public async Task A_start_that_became_durable_between_a_decision_and_its_commit_refuses_the_start()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await PrepareAsync(cluster, "a", "b");
        await CapAsync(cluster, 1);
        var others = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change.Rollout is { ExpectedRevision: 0 } start && Interlocked.Increment(ref others) == 1)
            {
                await cluster.Store.CommitAsync(change with
                {
                    Rollout = start with { State = start.State with { RolloutId = "another", Fleet = "b" }, Deadlines = [], InFlightMax = null },
                    Directive = null,
                    Admission = null,
                    Operations = [],
                    DecidedOn = [],
                });
            }
        };

        var refused = await StartRolloutAsync(cluster, "a");

        Assert.Equal(RolloutProblems.TenantCap, Code(refused));
        Assert.Contains("another on b", refused.Problems[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_paused_counts_and_neither_rollback_nor_fast_track_is_refused()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await PrepareAsync(cluster, "a", "b", "c");
        Value(await StartRolloutAsync(cluster, "a"));
        Value(await StartRolloutAsync(cluster, "b"));
        await CapAsync(cluster, 1);
        Assert.Equal(RolloutPhase.Active, (await cluster.GetAsync("r-a")).State);
        Value(await cluster.Grains.Rollout(Tenant, "r-a").PauseAsync("wait", As("olga")));
        Assert.Equal(RolloutProblems.TenantCap, Code(await StartRolloutAsync(cluster, "c")));

        Value(await cluster.Grains.Rollout(Tenant, "r-a").RollBackAsync("back", As("olga")));
        Value(await cluster.Grains.Rollout(Tenant, "f-b").FastTrackAsync(new FastTrackFleet("b", null, false, "back"), As("olga")));

        Assert.Equal((RolloutPhase.RolledBack, RolloutPhase.RolledBack), ((await cluster.GetAsync("r-a")).State, (await cluster.GetAsync("r-b")).State));
    }

    private static async Task PrepareAsync(PolicyCluster cluster, params string[] fleets)
    {
        await cluster.LiftLimitAsync();
        await cluster.PublishAsync("1.0.0");
        await cluster.PublishAsync("2.0.0");
        foreach (var fleet in fleets.Select(name => cluster.Grains.Fleet(Tenant, name)))
        {
            Value(await fleet.ConfigureAsync(new FleetSettings(), As("olga")));
            Value(await fleet.RegisterAsync([.. Enumerable.Range(0, 8).Select(n => new NodeRegistration { Node = $"n{n}" })], As("olga")));
            Value(await fleet.SetBaselineAsync("1.0.0", "first", As("olga")));
        }
    }

    private static Task CapAsync(PolicyCluster cluster, int rollouts) => cluster.RestrainAsync(
        "caps.set", known => CapRules.Set(known, new TenantCaps(rollouts, null, "we are few", As("olga").By, cluster.Clock.GetUtcNow())).Value!);

    // Where a start is not answered in time it is asked for again, as anybody would.
    private static async Task<Outcome<RolloutView>> StartRolloutAsync(PolicyCluster cluster, string fleet)
    {
        Outcome<RolloutView>? started = null;
        await UntilAsync(
            async () =>
            {
                started = await cluster.Grains.Rollout(Tenant, "r-" + fleet).StartAsync(
                    new StartRollout(fleet, "2.0.0", Plans.Read(Plans.Doubling), false, "because"), As("olga", "start-" + fleet, "start-" + fleet));
                return started.Succeeded || Code(started) != CommonCodes.StoreUnavailable;
            },
            $"the start on {fleet} is answered");
        return started!;
    }
}
