using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>A bundle goes through a fleet, seen on the nodes themselves.</summary>
public class RolloutStoryTests(PostgresServer server)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task A_bundle_reaches_a_fleet_in_four_stages_and_never_more_nodes_than_the_stage_allows()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;

        var rollout = Value(await cluster.StartAsync("r1"));
        var stages = new List<string?> { rollout.StageId };
        while (rollout.State == RolloutPhase.Active)
        {
            await fleet.PassAsync("r1", Step);
            var running = fleet.Running(target);
            rollout = await cluster.GetAsync("r1");
            Assert.True(running <= (int)(rollout.Percentage * 40 / 100), $"{running} nodes at {rollout.Percentage} %");
            if (rollout.StageId != stages[^1])
            {
                stages.Add(rollout.StageId);
            }
        }

        Assert.Equal(["one", "two", "three", "four"], stages);
        Assert.Equal(RolloutPhase.Complete, rollout.State);
        Assert.Equal(40, fleet.Running(target));
        await cluster.FleetConvergedAsync(fleet, target);
        Assert.Equal(target, (await cluster.Catalog.FindBundleAsync(Tenant, $"tag:golden@{Fleet}"))!.PolicyHash);
        Assert.Equal("1.0.0", (await cluster.Catalog.FindBundleAsync(Tenant, $"tag:previous@{Fleet}"))!.Version);
        var audit = Value(await cluster.Grains.GetGrain<Abstractions.IAuditGrain>(Tenant).VerifyAsync());
        Assert.True(audit.Valid);
        var entries = await cluster.Audit.ReadAsync(Tenant, 0, 1000);
        Assert.Equal(["RWG-001", "RWG-001", "RWG-001", "RWG-004"], entries.Select(entry => entry.Draft.Code).Where(code => code is not null));
    }

    [Fact]
    public async Task A_manual_plan_waits_in_each_stage_for_another_person()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        Value(await cluster.StartAsync("r1", plan: Plans.Manual));
        var grain = Abstractions.GrainKeys.Rollout(cluster.Grains, Tenant, "r1");

        await PassUntilAsync(fleet, cluster, view => view.Why.Code == RolloutReasons.Approval);
        Assert.Equal("canary", (await cluster.GetAsync("r1")).StageId);
        Assert.Equal("rollout.same_person", Code(await grain.ApproveAsync("I like it", As("olga"))));
        Value(await grain.ApproveAsync("looks right", As("anna")));
        await PassUntilAsync(fleet, cluster, view => view.StageId == "early");
        Assert.Equal(8, (await cluster.GetAsync("r1")).Nodes!.Assigned);
    }

    [Fact]
    public async Task A_trigger_takes_a_bundle_back_from_every_node()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        var old = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        foreach (var node in fleet.Nodes)
        {
            node.ErrorRate = hash => hash == target ? 0.9 : 0;
        }

        Value(await cluster.StartAsync("r1"));
        await PassUntilAsync(fleet, cluster, view => view.State == RolloutPhase.RolledBack);

        var view = await cluster.GetAsync("r1");
        Assert.Equal(RolloutReasons.Trigger, view.Why.Code);
        Assert.Equal(0.9, view.Why.Measured!.Value, 3);
        await fleet.SpeakUntilAsync(old, 40);
        await cluster.FleetConvergedAsync(fleet, old);
    }

    [Fact]
    public async Task A_node_that_cannot_load_takes_the_rollout_back_with_its_own_words()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        foreach (var node in fleet.Nodes)
        {
            node.Refuses = hash => hash == target ? "compile.failed: no such operator" : null;
        }

        Value(await cluster.StartAsync("r1"));
        await PassUntilAsync(fleet, cluster, view => view.State == RolloutPhase.RolledBack);

        var view = await cluster.GetAsync("r1");
        Assert.Equal(RolloutReasons.Nacks, view.Why.Code);
        Assert.Contains("no such operator", view.Why.Sentence, StringComparison.Ordinal);
        Assert.Equal(0, fleet.Running(target));
    }

    [Fact]
    public async Task A_node_that_returns_in_the_middle_of_a_stage_has_its_time_to_answer()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        Value(await cluster.StartAsync("r1", plan: Plans.Doubling.Replace("\"observation_window_hours\": 1", "\"observation_window_hours\": 1000", StringComparison.Ordinal)));
        var directive = (await cluster.Store.ReadFleetAsync(Tenant, Fleet))!.Directive;
        var assigned = (await cluster.Store.ListNodesAsync(Tenant, Fleet)).Where(node => Cohorts.AssignedHash(directive, node) == target).ToList();
        var off = assigned[0].Node;
        var others = fleet.Nodes.Where(node => node.Name != off).ToList();
        await UntilAsync(
            async () =>
            {
                await Task.WhenAll(others.Select(node => node.SpeakAsync(cluster.Feeds())));
                return others.Count(node => node.Running == target) == assigned.Count - 1;
            },
            "the others of the cohort run the target");

        // It was off when the stage was entered, and says for the first time since that it is there.
        cluster.Clock.Skip(TimeSpan.FromMinutes(2));
        var returnedAt = cluster.Clock.GetUtcNow();
        await PollAsync();
        await Abstractions.GrainKeys.Rollout(cluster.Grains, Tenant, "r1").LookAsync();
        Assert.Equal(RolloutPhase.Active, (await cluster.GetAsync("r1")).State);

        // There, and without an answer, it counts in the end.
        await UntilAsync(
            async () =>
            {
                cluster.Clock.Skip(TimeSpan.FromSeconds(5));
                await PollAsync();
                return (await cluster.GetAsync("r1")).State == RolloutPhase.RolledBack;
            },
            "its silence takes the rollout back");
        var why = (await cluster.GetAsync("r1")).Why;
        Assert.Equal(RolloutReasons.Nacks, why.Code);
        Assert.Contains($"{off}: node.no_ack", why.Sentence, StringComparison.Ordinal);
        Assert.True(why.Since - returnedAt >= TimeSpan.FromSeconds(60), $"{returnedAt} {why}");

        Task PollAsync()
        {
            var at = cluster.Clock.GetUtcNow();
            return UntilAsync(
                async () =>
                {
                    await cluster.Feeds().WaitAsync(Tenant, Fleet, off, null, TimeSpan.Zero);
                    return Value(await cluster.FleetGrain.NodeAsync(off)).LastHeardAt >= at;
                },
                "the fleet heard it");
        }
    }

    private static async Task PassUntilAsync(SimulatedFleet fleet, PolicyCluster cluster, Func<RolloutView, bool> holds)
    {
        for (var steps = 0; !holds(await cluster.GetAsync("r1")); steps++)
        {
            Assert.True(steps < 20, $"still {(await cluster.GetAsync("r1")).Why}");
            await fleet.PassAsync("r1", Step);
        }
    }
}
