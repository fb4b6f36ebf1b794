using Orleans.TestingHost;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

[Collection(PostgresCollection.Name)]
public sealed class AdoNetReminderTests(AdoNetStateTests.Fixture fixture) : ReminderContract, IClassFixture<AdoNetStateTests.Fixture>
{
    protected override InProcessTestCluster Cluster => fixture.Cluster;

    [Fact]
    public async Task A_reminder_goes_on_after_its_cluster_was_restarted()
    {
        var service = Guid.NewGuid().ToString("N");
        const string key = "restarted/reminder";
        await using (var first = await fixture.Postgres.DeployAsync(service))
        {
            await first.Client.GetGrain<IReminderGrain>(key).RegisterAsync("goes-on", TimeSpan.Zero, Often);
            await UntilTicksAsync(key, 1);
        }

        var ticks = ReminderGrain.TicksOf(key).Count;
        await using var second = await fixture.Postgres.DeployAsync(service);

        // Nobody calls the grain: the table alone brings it back.
        await UntilTicksAsync(key, ticks + 1);
        Assert.True(await second.Client.GetGrain<IReminderGrain>(key).HasAsync("goes-on"));
    }

    [Fact]
    public async Task A_reminder_goes_on_after_the_silo_that_served_it_was_killed()
    {
        await using var cluster = await fixture.Postgres.DeployAsync(Guid.NewGuid().ToString("N"), silos: 2);
        const string key = "killed/reminder";
        await cluster.Client.GetGrain<IReminderGrain>(key).RegisterAsync("survives", TimeSpan.Zero, Often);
        await UntilTicksAsync(key, 1);

        foreach (var silo in cluster.Silos.Take(1))
        {
            await cluster.KillSiloAsync(silo);
        }

        await UntilTicksAsync(key, ReminderGrain.TicksOf(key).Count + 2);
    }
}
