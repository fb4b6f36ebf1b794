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

    private static Task<FeedAnswer> PollAsync(PolicyCluster cluster, string node) => cluster.Feeds().WaitAsync(Tenant, Fleet, node, null, TimeSpan.Zero);

    private static Task<FeedReportAnswer> ReportAsync(PolicyCluster cluster, string node, long epoch) => cluster.Feeds().ReportAsync(
        Tenant, Fleet, node, new NodeReport { BootId = "later", Seq = 1, Epoch = epoch, PolicyHash = null, Ack = false, Error = "none" });
}
