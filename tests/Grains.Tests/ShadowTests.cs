using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>The shadow stage, seen on the nodes themselves.</summary>
public class ShadowTests(PostgresServer server)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task Every_node_evaluates_the_new_bundle_and_runs_the_old_one_until_the_first_stage_is_entered()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var (fleet, target, old) = await PrepareAsync(cluster);
        fleet.Nodes[0].ShadowChanged = 5;

        var started = Value(await cluster.StartAsync("r1", plan: Plans.Shown));
        Assert.Equal((RolloutPhase.Active, "shadow", -1, 0m), (started.State, started.StageId, started.StageIndex, started.Percentage));
        await UntilAsync(
            async () =>
            {
                await fleet.SpeakAsync();
                return fleet.Nodes.All(node => node.Shadow == target);
            },
            "every node is shown the target");
        Assert.Equal(40, fleet.Running(old));

        var view = started;
        while (view.StageId == "shadow")
        {
            await fleet.PassAsync("r1", Step);
            view = await cluster.GetAsync("r1");
            Assert.Equal(view.StageId == "shadow" ? 0 : 5, view.Nodes?.Assigned ?? 5);
        }

        Assert.Equal(("one", 12.5m), (view.StageId, view.Percentage));
        Assert.True(view.Shadow is { Nodes: 40, Watching: 40, Refused: 0, Changed: > 0 } found && found.Changed / found.Compared < 0.1, $"{view.Shadow}");
        Assert.Equal(("old-rule", "new-rule"), (view.Shadow!.Changes[0].FromRule, view.Shadow.Changes[0].ToRule));
        await UntilAsync(
            async () =>
            {
                await fleet.SpeakAsync();
                return fleet.Running(target) >= 5 && fleet.Nodes.All(node => node.Shadow is null);
            },
            "the first stage runs the target, and nobody is shown anything more");

        var entries = await cluster.Audit.ReadAsync(Tenant, 0, 1000);
        var advanced = entries.First(entry => entry.Draft.Code == "RWG-001").Draft;
        Assert.Equal(("one", "shadow"), (advanced.StageId, advanced.Detail!["from_stage"]));
        Assert.True(advanced.Metrics!["shadow_compared"] > 0);
        Assert.Equal(("shadow", 0m), entries.Where(entry => entry.Draft.Action == "rollout.started").Select(entry => (entry.Draft.StageId!, entry.Draft.TargetPercentage!.Value)).Single());
    }

    [Fact]
    public async Task Too_many_differing_decisions_keep_it_from_the_first_stage()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var (fleet, _, old) = await PrepareAsync(cluster);
        foreach (var node in fleet.Nodes)
        {
            node.ShadowChanged = 3;
        }

        Value(await cluster.StartAsync("r1", plan: Plans.Shown));
        await PassUntilAsync(fleet, cluster, view => view.State == RolloutPhase.Paused);

        var view = await cluster.GetAsync("r1");
        Assert.Equal(("shadow", RolloutReasons.ThreeWindows, ShadowCriterion), (view.StageId, view.Why.Code, view.Why.Criterion));
        Assert.Equal(VerdictKind.Fail, view.Verdict!.Kind);
        Assert.Equal(40, fleet.Running(old));
    }

    [Fact]
    public async Task A_fleet_of_agents_that_know_no_shadow_never_passes_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var (fleet, _, old) = await PrepareAsync(cluster);
        foreach (var node in fleet.Nodes)
        {
            node.KnowsShadows = false;
        }

        Value(await cluster.StartAsync("r1", plan: Plans.Shown));
        await PassUntilAsync(fleet, cluster, view => view.State == RolloutPhase.Paused);

        var view = await cluster.GetAsync("r1");
        Assert.Equal((VerdictKind.Inconclusive, "shadow.not_watched"), (view.Verdict!.Kind, view.Verdict.Code));
        Assert.Equal((40, 0), (view.Shadow!.Nodes, view.Shadow.Watching));
        Assert.Equal(40, fleet.Running(old));
    }

    [Fact]
    public async Task A_node_that_cannot_load_it_takes_it_back_and_that_is_over_at_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var (fleet, target, old) = await PrepareAsync(cluster);
        fleet.Nodes[7].Refuses = hash => hash == target ? "compile.failed: no such operator" : null;

        Value(await cluster.StartAsync("r1", plan: Plans.Shown));
        await PassUntilAsync(fleet, cluster, view => view.State == RolloutPhase.RolledBack);

        var view = await cluster.GetAsync("r1");
        Assert.Equal(RolloutReasons.Nacks, view.Why.Code);
        Assert.Contains("no such operator", view.Why.Sentence, StringComparison.Ordinal);
        Assert.NotNull(view.Rollback!.OverAt);
        Assert.Equal(40, fleet.Running(old));
        Assert.Equal("rollout.quarantined", Code(await cluster.StartAsync("r2", plan: Plans.Shown)));
    }

    private const string ShadowCriterion = "backtest.max_changed_decisions";

    private static async Task<(SimulatedFleet Fleet, string Target, string Old)> PrepareAsync(PolicyCluster cluster)
    {
        var fleet = await cluster.PrepareFleetAsync(40);
        return (
            fleet, (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash, (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash);
    }

    private static async Task PassUntilAsync(SimulatedFleet fleet, PolicyCluster cluster, Func<RolloutView, bool> holds)
    {
        for (var steps = 0; !holds(await cluster.GetAsync("r1")); steps++)
        {
            Assert.True(steps < 100, $"still {(await cluster.GetAsync("r1")).Why}");
            await fleet.PassAsync("r1", Step);
        }
    }
}
