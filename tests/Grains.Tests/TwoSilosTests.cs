using OrleansPolicy.Abstractions;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Several silos, and one that dies.</summary>
public class TwoSilosTests(PostgresServer server)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_rollout_goes_on_when_a_silo_is_killed_and_no_stage_is_skipped_or_entered_twice(int victim)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 2);
        var fleet = await cluster.PrepareFleetAsync(16);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        Value(await cluster.StartAsync("r1"));
        for (var steps = 0; (await cluster.GetAsync("r1")).StageId != "two"; steps++)
        {
            Assert.True(steps < 20);
            await fleet.PassAsync("r1", TimeSpan.FromSeconds(4), silo: steps % 2);
        }

        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos[victim]);
        await UntilAsync(
            async () =>
            {
                try
                {
                    return (await cluster.Grains.Rollout(Tenant, "r1").GetAsync()).Succeeded;
                }
                catch (Exception exception) when (exception is TimeoutException or OrleansException)
                {
                    return false;
                }
            },
            "the rollout answers again");
        await UntilAsync(
            async () =>
            {
                await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
                return (await cluster.GetAsync("r1")).State == RolloutPhase.Complete;
            },
            "the rollout is complete");

        Assert.Equal(16, fleet.Running(target));
        var entries = await cluster.Audit.ReadAsync(Tenant, 0, 1000);
        Assert.Equal(
            ["two", "three", "four", "four"],
            entries.Where(entry => entry.Draft.Code is "RWG-001" or "RWG-004").Select(entry => entry.Draft.StageId));
        Assert.True(Value(await cluster.Grains.Audit(Tenant).VerifyAsync()).Valid);
    }

    [Fact]
    public async Task Nodes_of_another_silo_hear_of_a_change_at_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 2);
        await cluster.PrepareFleetAsync(16);
        var tags = new List<string>();
        for (var silo = 0; silo < 2; silo++)
        {
            var answer = await cluster.Feeds(silo).WaitAsync(Tenant, Fleet, "node-000", null, TimeSpan.Zero);
            tags.Add(Assert.IsType<Silo.Feed.FeedAnswer.Changed>(answer).ETag);
        }

        var polls = tags.Select((tag, silo) => cluster.Feeds(silo).WaitAsync(Tenant, Fleet, "node-000", tag, TimeSpan.FromSeconds(7))).ToList();
        Value(await cluster.StartAsync("r1"));

        Assert.All(await Task.WhenAll(polls), answer => Assert.IsType<Silo.Feed.FeedAnswer.Changed>(answer));
    }
}
