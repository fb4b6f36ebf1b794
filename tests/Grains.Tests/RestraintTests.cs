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
                await SayAsync(cluster, "line.stopped", known => RestraintRules.Stop(known, As("olga").By, "incident 7", cluster.Clock.GetUtcNow()).Value!);
            }
        };

        await PassUntilAsync(fleet, cluster, view => view.Why.Code == RolloutReasons.LineStopped);
        for (var windows = 0; windows < 3; windows++)
        {
            await fleet.PassAsync("r1", Step);
        }

        var held = await cluster.GetAsync("r1");
        Assert.Equal((RolloutPhase.Active, "one"), (held.State, held.StageId));
        await SayAsync(cluster, "line.released", known => RestraintRules.Release(known).Value!);
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
                await SayAsync(cluster, "line.stopped", known => RestraintRules.Stop(known, As("olga").By, "incident 7", cluster.Clock.GetUtcNow()).Value!);
            }
        };

        Assert.Equal(RolloutReasons.LineStopped, Code(await cluster.StartAsync("r1")));
        Assert.Null(await cluster.Store.ReadRolloutAsync(Tenant, "r1"));
    }

    [Fact]
    public async Task A_rollout_goes_back_by_its_trigger_while_the_line_is_stopped()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        Value(await cluster.StartAsync("r1"));
        await SayAsync(cluster, "line.stopped", known => RestraintRules.Stop(known, As("olga").By, "incident 7", cluster.Clock.GetUtcNow()).Value!);
        foreach (var node in fleet.Nodes)
        {
            node.ErrorRate = hash => hash == target ? 0.9 : 0;
        }

        await PassUntilAsync(fleet, cluster, view => view.State == RolloutPhase.RolledBack);
        Assert.Equal(RolloutReasons.Trigger, (await cluster.GetAsync("r1")).Why.Code);
    }

    private static async Task SayAsync(PolicyCluster cluster, string action, Func<Restraints, Restraints> change)
    {
        var stored = (await cluster.Store.ListControlsAsync(Tenant, ControlKinds.Restraints)).SingleOrDefault();
        var result = await cluster.Store.CommitAsync(new PolicyChange
        {
            Tenant = Tenant,
            Audit = [new() { At = cluster.Clock.GetUtcNow(), Actor = "olga", Action = action, Subject = "line", Reason = "incident 7" }],
            Control = ControlWrite.Of(
                ControlKinds.Restraints, ControlKinds.OfTenant, change(stored?.Read<Restraints>() ?? Restraints.None), stored?.Revision ?? 0),
        });
        Assert.Equal(CommitStatus.Committed, result.Status);
    }

    private static async Task PassUntilAsync(SimulatedFleet fleet, PolicyCluster cluster, Func<RolloutView, bool> holds)
    {
        for (var steps = 0; !holds(await cluster.GetAsync("r1")); steps++)
        {
            Assert.True(steps < 40, $"still {(await cluster.GetAsync("r1")).Why}");
            await fleet.PassAsync("r1", Step);
        }
    }
}
