using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>What a tenant holds back stands still, also where it is said in the last moment before a commit.</summary>
public class RestraintTests(PostgresServer server)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task A_stop_between_a_stages_decision_and_its_commit_holds_the_stage_until_it_is_released()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        Value(await cluster.StartAsync("r1"));
        var stops = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change is { Directive: not null, Rollout.ExpectedRevision: > 0 } && Interlocked.Increment(ref stops) == 1)
            {
                await cluster.RestrainAsync("line.stopped", known => RestraintRules.Stop(known, As("olga").By, "incident 7", cluster.Clock.GetUtcNow()).Value!);
            }
        };

        await PassUntilAsync(fleet, cluster, view => view.Why.Code == RolloutReasons.LineStopped);
        for (var windows = 0; windows < 3; windows++)
        {
            await fleet.PassAsync("r1", Step);
        }

        var held = await cluster.GetAsync("r1");
        Assert.Equal((RolloutPhase.Active, "one"), (held.State, held.StageId));
        await cluster.RestrainAsync("line.released", known => RestraintRules.Release(known).Value!);
        await PassUntilAsync(fleet, cluster, view => view.StageId == "two");
        var actions = (await cluster.Audit.ReadAsync(Tenant, 0, 1000)).Select(entry => entry.Draft.Action).ToList();
        Assert.True(actions.IndexOf("rollout.advanced") > actions.IndexOf("line.released"), string.Join(' ', actions));
    }

    [Fact]
    public async Task A_stop_between_a_starts_decision_and_its_commit_refuses_the_start()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        var stops = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change.Rollout is { ExpectedRevision: 0 } && Interlocked.Increment(ref stops) == 1)
            {
                await cluster.RestrainAsync("line.stopped", known => RestraintRules.Stop(known, As("olga").By, "incident 7", cluster.Clock.GetUtcNow()).Value!);
            }
        };

        Assert.Equal(RolloutReasons.LineStopped, Code(await cluster.StartAsync("r1")));
        Assert.Null(await cluster.Store.ReadRolloutAsync(Tenant, "r1"));
    }

    [Fact]
    public async Task A_stage_waits_for_the_end_of_a_freeze_window_and_goes_on_by_itself()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        Value(await cluster.StartAsync("r1"));
        var now = cluster.Clock.GetUtcNow();
        var minute = new DateTime(now.Year, now.Month, now.Day, now.Hour, now.Minute, 0);
        await FreezeAsync(cluster, minute.AddMinutes(-1), minute.AddDays(1));

        await PassUntilAsync(fleet, cluster, view => view.Why.Code == RolloutReasons.FreezeWindow);
        var held = await cluster.GetAsync("r1");
        Assert.Equal(("one", new DateTimeOffset(minute.AddDays(1), TimeSpan.Zero)), (held.StageId, held.Why.Until));
        cluster.Clock.Skip(TimeSpan.FromDays(1));

        // The clock jumped: nothing was observed meanwhile, so the stage is observed anew before it is left.
        await PassUntilAsync(fleet, cluster, view => view.StageId == "two");
    }

    [Fact]
    public async Task A_waiver_taken_back_between_a_decision_and_its_commit_lifts_nothing()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        var now = cluster.Clock.GetUtcNow();
        var day = DateTime.SpecifyKind(now.UtcDateTime.Date, DateTimeKind.Unspecified);
        await FreezeAsync(cluster, day.AddDays(-1), day.AddDays(30));
        var waiver = new Waiver
        {
            WaiverId = "w1",
            Fleet = PolicyCluster.Fleet,
            Rule = Waiver.FreezeWindow,
            Reason = "urgent",
            RequestedBy = As("olga").By,
            RequestedAt = now,
            ExpiresAt = now.AddDays(1),
            Approvals = [new WaiverApproval(As("anna").By, "fine", now), new WaiverApproval(As("bert").By, "fine", now)],
        };
        await cluster.WriteControlAsync("waiver.approved", ControlWrite.Of(ControlKinds.Waiver, "w1", waiver, 0));
        var revokes = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change.Rollout is { ExpectedRevision: 0, State.FreezeWaiverId: "w1" } && Interlocked.Increment(ref revokes) == 1)
            {
                await cluster.WriteControlAsync("waiver.revoked", ControlWrite.Of(ControlKinds.Waiver, "w1", waiver with { RevokedBy = As("anna").By, RevokedAt = now }, 1));
            }
        };

        Assert.Equal(RolloutReasons.FreezeWindow, Code(await cluster.StartAsync("r1")));
        Assert.True(revokes > 0);
    }

    [Fact]
    public async Task A_rollout_goes_back_by_its_trigger_while_the_line_is_stopped()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        Value(await cluster.StartAsync("r1"));
        await cluster.RestrainAsync("line.stopped", known => RestraintRules.Stop(known, As("olga").By, "incident 7", cluster.Clock.GetUtcNow()).Value!);
        foreach (var node in fleet.Nodes)
        {
            node.ErrorRate = hash => hash == target ? 0.9 : 0;
        }

        await PassUntilAsync(fleet, cluster, view => view.State == RolloutPhase.RolledBack);
        Assert.Equal(RolloutReasons.Trigger, (await cluster.GetAsync("r1")).Why.Code);
    }

    private static Task FreezeAsync(PolicyCluster cluster, DateTime starts, DateTime ends) =>
        cluster.RestrainAsync("window.set", known => FreezeRules.Set(known, new FreezeWindow
        {
            Name = "w",
            Kind = FreezeKind.Deny,
            Zone = "UTC",
            Starts = starts,
            Ends = ends,
            Reason = "holidays",
            By = As("olga").By,
            At = cluster.Clock.GetUtcNow(),
        }).Value!);

    private static async Task PassUntilAsync(SimulatedFleet fleet, PolicyCluster cluster, Func<RolloutView, bool> holds)
    {
        for (var steps = 0; !holds(await cluster.GetAsync("r1")); steps++)
        {
            Assert.True(steps < 40, $"still {(await cluster.GetAsync("r1")).Why}");
            await fleet.PassAsync("r1", Step);
        }
    }
}
