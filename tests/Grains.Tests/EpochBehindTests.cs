using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>A database restored from an older backup: the nodes know better than the control plane.</summary>
public class EpochBehindTests(PostgresServer server)
{
    [Fact]
    public async Task Nothing_is_leased_or_started_until_an_admin_raises_the_epoch_and_then_everything_goes_on()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakUntilAsync(target, 5);
        await ReportAsync(cluster, "node-000", epoch: 90);
        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Refused, "no lease is granted");

        Assert.Equal("lease.unavailable", Assert.IsType<FeedAnswer.Refused>(await PollAsync(cluster, "node-001")).Code);
        Assert.Equal(90, Value(await cluster.FleetGrain.GetAsync()).EpochBehind);
        Assert.Equal("fleet.epoch_behind", Code(await cluster.StartAsync("r2")));
        Assert.Equal("fleet.epoch_behind", Code(await cluster.ConfigureFleetAsync(new FleetSettings { ReportIntervalSec = 1 })));
        Assert.Equal("fleet.epoch_behind", Code(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga"))));
        Assert.Equal("fleet.epoch_behind", Code(await cluster.Grains.Rollout(Tenant, "f1").FastTrackAsync(new FastTrackFleet(Fleet, null, false, "no"), As("olga"))));
        cluster.Clock.Skip(TimeSpan.FromSeconds(5));
        await UntilAsync(async () => (await cluster.GetAsync("r1")).Why.Code == RolloutReasons.EpochBehind, "the rollout says why it holds");
        Assert.Equal("fleet.epoch_invalid", Code(await cluster.FleetGrain.RaiseEpochAsync(90, "restored", As("admin"))));
        Assert.Equal("fleet.epoch_invalid", Code(await cluster.FleetGrain.RaiseEpochAsync(long.MaxValue, "restored", As("admin"))));

        Assert.Equal(91, Value(await cluster.FleetGrain.RaiseEpochAsync(91, "restored", As("admin"))).Directive.Epoch);
        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Changed { Directive.Epoch: 91 }, "leases are granted again");
        await fleet.SpeakAsync();
        Assert.Equal((91, "r1"), ((await cluster.GetAsync("r1")).Epoch, (await cluster.GetAsync("r1")).RolloutId));
        Value(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga")));
        await UntilAsync(
            async () =>
            {
                await fleet.SpeakAsync();
                return (await cluster.GetAsync("r1")).Rollback?.OverAt is not null;
            },
            "it goes back under the new epoch");
        Assert.True(Value(await cluster.Grains.Audit(Tenant).VerifyAsync()).Valid);
    }

    [Fact]
    public async Task A_node_that_lied_about_it_is_taken_out_and_the_others_get_their_leases()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        await ReportAsync(cluster, "node-000", epoch: 1_000_000);
        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Refused, "no lease is granted");

        Value(await cluster.FleetGrain.RemoveAsync("node-000", As("olga")));

        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Changed, "leases are granted again");
        Assert.Null(Value(await cluster.FleetGrain.GetAsync()).EpochBehind);
    }

    [Fact]
    public async Task A_database_that_goes_back_under_running_silos_is_noticed_before_anything_rests_on_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var (old, target) = ((await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash, (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash);
        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakUntilAsync(target, 5);
        await ExecuteAsync(cluster, "CREATE TABLE old_directive AS TABLE fleet_directive; CREATE TABLE old_rollout AS TABLE rollout");
        await UntilAsync(
            async () =>
            {
                await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
                return fleet.Running(target) > 5;
            },
            "the next stage");
        Value(await cluster.Grains.Rollout(Tenant, "r1").PauseAsync("wait", As("olga")));
        var obeyed = (await cluster.GetAsync("r1")).Epoch;

        // A standby that lagged takes over: what the last stage wrote is gone, and every silo lives on.
        await ExecuteAsync(
            cluster,
            """
            UPDATE fleet_directive d SET epoch = o.epoch, directive = o.directive, revision = o.revision
            FROM old_directive o WHERE (d.tenant, d.fleet) = (o.tenant, o.fleet);
            UPDATE rollout r SET target = o.target, is_final = o.is_final, revision = o.revision, state = o.state
            FROM old_rollout o WHERE (r.tenant, r.rollout_id) = (o.tenant, o.rollout_id)
            """);

        Assert.Equal("fleet.epoch_behind", Code(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga"))));
        Assert.Equal("fleet.epoch_behind", Code(await cluster.StartAsync("r2")));
        Assert.Equal("fleet.epoch_behind", Code(await cluster.ConfigureFleetAsync(new FleetSettings { ReportIntervalSec = 1 })));
        Assert.Equal(obeyed, Value(await cluster.FleetGrain.GetAsync()).EpochBehind);
        await UntilAsync(async () => await PollAsync(cluster, "node-039") == FeedAnswer.Behind, "no lease is granted");
        Assert.Equal("lease.unavailable", Code(await cluster.Feeds().ServingAsync(Tenant, Fleet, "node-039")));
        await UntilAsync(async () => (await cluster.GetAsync("r1")).Why.Code == RolloutReasons.EpochBehind, "the rollout, as it was stored before, says why it holds");

        Value(await cluster.FleetGrain.RaiseEpochAsync(obeyed + 1, "standby", As("admin")));
        await UntilAsync(async () => await PollAsync(cluster, "node-039") is FeedAnswer.Changed { Directive.Epoch: var epoch } && epoch > obeyed, "leases are granted again");
        Value(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga")));
        await UntilAsync(
            async () =>
            {
                await fleet.SpeakAsync();
                return (await cluster.GetAsync("r1")).Rollback?.OverAt is not null;
            },
            "it goes back under the new epoch");
        await fleet.SpeakUntilAsync(old, 40);
    }

    [Fact]
    public async Task A_feed_that_finds_an_older_truth_tells_the_fleet()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Changed, "leases are granted");
        await ExecuteAsync(cluster, "UPDATE fleet_directive SET epoch = epoch - 1, directive = jsonb_set(directive, '{epoch}', to_jsonb(epoch - 1)), revision = revision - 1");

        await UntilAsync(async () => await PollAsync(cluster, "node-001") == FeedAnswer.Behind, "no lease is granted");
        await UntilAsync(async () => Value(await cluster.FleetGrain.GetAsync()).EpochBehind == 1, "the fleet says why");
        await ExecuteAsync(cluster, "UPDATE fleet_directive SET epoch = epoch + 1, directive = jsonb_set(directive, '{epoch}', to_jsonb(epoch + 1)), revision = revision + 1");
        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Changed, "the right database is back, and leases are granted again");
        await UntilAsync(
            async () => await PollAsync(cluster, "node-001") is FeedAnswer.Changed && Value(await cluster.FleetGrain.GetAsync()).EpochBehind is null,
            "the fleet says so");
    }

    [Fact]
    public async Task A_fleet_that_is_missing_from_a_database_that_went_back_gets_no_leases_until_it_is_made_anew_and_its_epoch_raised()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Changed, "leases are granted");
        var obeyed = Value(await cluster.FleetGrain.GetAsync()).Directive.Epoch;

        // A backup from before the fleet was made.
        await ExecuteAsync(
            cluster, "DELETE FROM node; DELETE FROM rollout_deadline; DELETE FROM rollout; DELETE FROM fleet_directive; DELETE FROM fleet");

        await UntilAsync(async () => await PollAsync(cluster, "node-001") is FeedAnswer.Refused { Code: "lease.unavailable" }, "no lease is granted");
        await UntilAsync(async () => Value(await cluster.FleetGrain.GetAsync()).EpochBehind == obeyed, "the fleet says why");
        Assert.Equal("fleet.epoch_behind", Code(await cluster.FleetGrain.SetBaselineAsync("1.0.0", "again", As("olga"))));

        Assert.True(Value(await cluster.ConfigureFleetAsync()).Created);
        Assert.Equal(obeyed, Value(await cluster.FleetGrain.GetAsync()).EpochBehind);
        Assert.IsType<FeedAnswer.Refused>(await PollAsync(cluster, "node-001"));

        Value(await cluster.FleetGrain.RaiseEpochAsync(obeyed + 1, "restored", As("admin")));
        await UntilAsync(
            async () => await PollAsync(cluster, "node-001") is FeedAnswer.Changed { Directive.Epoch: var epoch } && epoch == obeyed + 1, "leases are granted again");
    }

    private static async Task ExecuteAsync(PolicyCluster cluster, string sql)
    {
        await using var command = cluster.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static Task<FeedAnswer> PollAsync(PolicyCluster cluster, string node) => cluster.Feeds().WaitAsync(Tenant, Fleet, node, null, TimeSpan.Zero);

    private static Task<FeedReportAnswer> ReportAsync(PolicyCluster cluster, string node, long epoch) => cluster.Feeds().ReportAsync(
        Tenant, Fleet, node, new NodeReport { BootId = "later", Seq = 1, Epoch = epoch, PolicyHash = null, Ack = false, Error = "none" });
}
