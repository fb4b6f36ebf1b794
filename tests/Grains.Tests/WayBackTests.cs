using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>A fleet goes back: until every node has ACKed or is fenced, seen on the nodes themselves.</summary>
public class WayBackTests(PostgresServer server)
{
    [Fact]
    public async Task A_trigger_takes_the_bundle_back_and_its_four_times_are_told_and_audited()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var (old, target) = await HashesAsync(cluster);
        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakUntilAsync(target, 5);
        foreach (var node in fleet.Nodes)
        {
            node.ErrorRate = hash => hash == target ? 0.9 : 0;
        }

        // Whatever was counted before it went wrong is outweighed.
        for (var words = 0; words < 5; words++)
        {
            await fleet.SpeakAsync();
        }

        await UntilAsync(async () => (await cluster.GetAsync("r1")).State == RolloutPhase.RolledBack, "the trigger took it back");
        Assert.Equal(RolloutReasons.Trigger, (await cluster.GetAsync("r1")).Why.Code);
        Assert.Null((await cluster.GetAsync("r1")).Rollback!.OverAt);
        var view = await OverAsync(cluster, fleet, "r1");

        Assert.Equal(40, fleet.Running(old));
        Assert.Equal((5, 5, 0), (view.Rollback!.Nodes!.Nodes, view.Rollback.Nodes.Acked, view.Rollback.Nodes.Fenced));
        Assert.True(view.Rollback is { Overdue: false, DecideMs: < 5_000, DurableMs: < 5_000, OverMs: < 20_000 }, view.Rollback.ToString());
        Assert.True(view.Rollback.DetectedAt <= view.Rollback.DecidedAt && view.Rollback.DecidedAt <= view.Rollback.DurableAt);
        Assert.Equal(RolloutReasons.Trigger, view.Why.Code);
        var entry = Assert.Single((await cluster.Audit.ReadAsync(Tenant, 0, 1000)), entry => entry.Draft.Action == "rollback.over");
        Assert.Equal("5", entry.Draft.Detail!["had_to_return"]);
        Assert.True(entry.Draft.Detail.ContainsKey("last_ack_ms"));
    }

    [Fact]
    public async Task Until_the_way_back_is_over_the_fleet_is_in_flight_and_then_its_target_is_in_quarantine_until_released()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var (_, target) = await HashesAsync(cluster);
        await cluster.PublishAsync("3.0.0");
        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakUntilAsync(target, 5);
        Value(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga")));

        Assert.Equal("rollout.in_flight", Code(await cluster.StartAsync("r2", "3.0.0")));
        Assert.Equal("rollout.in_flight", Code(await cluster.ConfigureFleetAsync(new() { MaxStalenessSec = 20, ReportIntervalSec = 0.5 })));
        Assert.Equal("rollout.state", Code(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("again", As("olga"))));
        await OverAsync(cluster, fleet, "r1");

        Assert.Equal("rollout.quarantined", Code(await cluster.StartAsync("r2")));
        var held = Assert.Single(await cluster.Store.ListQuarantineAsync(Tenant, Fleet));
        Assert.Equal((target, "r1", "olga"), (held.PolicyHash, held.RolloutId, held.By));
        Assert.Equal("quarantine.unknown", Code(await cluster.FleetGrain.ReleaseAsync(new string('0', 64), "what?", As("olga"))));
        Value(await cluster.FleetGrain.ReleaseAsync(target, "the cause was elsewhere", As("olga")));
        Assert.Equal("quarantine.unknown", Code(await cluster.FleetGrain.ReleaseAsync(target, "again", As("olga"))));
        Value(await cluster.StartAsync("r2"));
    }

    [Fact]
    public async Task A_fast_track_ends_what_is_in_flight_and_brings_every_node_back()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var (old, target) = await HashesAsync(cluster);
        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakUntilAsync(target, 5);

        var begun = Value(await FastTrackAsync(cluster, "f1"));
        Assert.Equal((RolloutKind.FastTrack, RolloutPhase.Active, old), (begun.Kind, begun.State, begun.Target));
        var ended = await cluster.GetAsync("r1");
        Assert.Equal((RolloutPhase.RolledBack, RolloutReasons.Superseded), (ended.State, ended.Why.Code));
        var view = await OverAsync(cluster, fleet, "f1");

        Assert.Equal((RolloutPhase.Complete, 40), (view.State, view.Rollback!.Nodes!.Acked));
        Assert.Equal(40, fleet.Running(old));
        Assert.Equal([target], (await cluster.Store.ListQuarantineAsync(Tenant, Fleet)).Select(bundle => bundle.PolicyHash));
        var codes = (await cluster.Audit.ReadAsync(Tenant, 0, 1000)).Select(entry => (entry.Draft.Action, entry.Draft.Code)).ToList();
        Assert.Contains(("rollout.superseded", "RWG-003"), codes);
        Assert.Contains(("rollout.fast_track", "RWG-003"), codes);
        Assert.Contains(("rollback.over", "RWG-004"), codes);
    }

    [Fact]
    public async Task A_fast_track_over_an_unfinished_way_back_takes_it_over()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var (old, target) = await HashesAsync(cluster);
        await CompleteAsync(cluster, fleet, "r1", "2.0.0");
        await cluster.PublishAsync("3.0.0");
        Value(await cluster.StartAsync("r2", "3.0.0"));
        await fleet.SpeakUntilAsync((await cluster.Catalog.FindBundleAsync(Tenant, "3.0.0"))!.PolicyHash, 5);
        Value(await cluster.Grains.Rollout(Tenant, "r2").RollBackAsync("no", As("olga")));

        var begun = Value(await FastTrackAsync(cluster, "f1", "1.0.0"));
        Assert.Equal(old, begun.Target);
        Assert.Equal("f1", (await cluster.GetAsync("r2")).Rollback!.SupersededBy);
        await OverAsync(cluster, fleet, "f1");

        Assert.Equal(40, fleet.Running(old));
        Assert.Equal(2, (await cluster.Store.ListQuarantineAsync(Tenant, Fleet)).Length);
        Assert.Equal("rollout.never_complete", Code(await FastTrackAsync(cluster, "f2")));
        Assert.Equal("rollout.quarantined", Code(await FastTrackAsync(cluster, "f2", target)));
        Assert.Equal("rollout.already_running", Code(await FastTrackAsync(cluster, "f2", "1.0.0")));
        Assert.Equal("1.0.0", (await cluster.Catalog.FindBundleAsync(Tenant, $"tag:golden@{Fleet}"))!.Version);
        Assert.True(Value(await cluster.Grains.Audit(Tenant).VerifyAsync()).Valid);
    }

    [Fact]
    public async Task A_fast_track_without_a_ref_does_not_go_further_back_than_the_way_back_that_is_under_way()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var (_, good) = await HashesAsync(cluster);
        await CompleteAsync(cluster, fleet, "r1", "2.0.0");
        var third = (await cluster.PublishAsync("3.0.0")).PolicyHash;
        Value(await cluster.StartAsync("r2", "3.0.0"));
        await fleet.SpeakUntilAsync(third, 5);
        Value(await cluster.Grains.Rollout(Tenant, "r2").RollBackAsync("no", As("olga")));

        var refused = await FastTrackAsync(cluster, "f1");

        Assert.Equal("rollout.in_flight", Code(refused));
        Assert.Contains($"r2 is bringing the fleet to {good}", refused.Problems[0].Message, StringComparison.Ordinal);
        await OverAsync(cluster, fleet, "r2");
        Assert.Equal(40, fleet.Running(good));
        Assert.Equal([third], (await cluster.Store.ListQuarantineAsync(Tenant, Fleet)).Select(bundle => bundle.PolicyHash));
    }

    [Fact]
    public async Task A_fast_track_goes_only_where_the_whole_fleet_was()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(40);

        Assert.Equal("rollout.never_complete", Code(await FastTrackAsync(cluster, "f1", "2.0.0")));
        Assert.Equal("bundle.unknown", Code(await FastTrackAsync(cluster, "f1", "9.9.9")));
        Assert.Equal("fleet.unknown", Code(await cluster.Grains.Rollout(Tenant, "f1").FastTrackAsync(new FastTrackFleet("nobody", null, false, "back"), As("olga"))));
    }

    [Fact]
    public async Task Two_people_who_take_it_back_at_once_take_it_back_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var (_, target) = await HashesAsync(cluster);
        await CompleteAsync(cluster, fleet, "r1", "2.0.0");
        await cluster.PublishAsync("3.0.0");
        await CompleteAsync(cluster, fleet, "r2", "3.0.0");

        var answers = await Task.WhenAll(FastTrackAsync(cluster, "f1"), FastTrackAsync(cluster, "f2"));

        Assert.Single(answers, answer => answer.Succeeded);
        Assert.True(Code(Assert.Single(answers, answer => !answer.Succeeded)) is "rollout.in_flight" or "rollout.already_running");
        Assert.Equal(target, (await cluster.Store.ReadFleetAsync(Tenant, Fleet))!.Directive.Target);
        Assert.Equal("rollout.in_flight", Code(await FastTrackAsync(cluster, "f3")));
    }

    private static Task<Outcome<RolloutView>> FastTrackAsync(PolicyCluster cluster, string id, string? reference = null) =>
        cluster.Grains.Rollout(Tenant, id).FastTrackAsync(new FastTrackFleet(Fleet, reference, false, "back"), As("olga"));

    private static async Task<(string Old, string Target)> HashesAsync(PolicyCluster cluster) => (
        (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash, (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash);

    private static async Task<RolloutView> OverAsync(PolicyCluster cluster, SimulatedFleet fleet, string id)
    {
        await UntilAsync(
            async () =>
            {
                await fleet.SpeakAsync();
                return (await cluster.GetAsync(id)).Rollback?.OverAt is not null;
            },
            $"the way back of {id} is over");
        return await cluster.GetAsync(id);
    }

    private static async Task CompleteAsync(PolicyCluster cluster, SimulatedFleet fleet, string id, string version)
    {
        Value(await cluster.StartAsync(id, version));
        for (var steps = 0; (await cluster.GetAsync(id)).State != RolloutPhase.Complete; steps++)
        {
            Assert.True(steps < 40, $"still {(await cluster.GetAsync(id)).Why}");
            await fleet.PassAsync(id, TimeSpan.FromSeconds(4));
        }
    }
}
