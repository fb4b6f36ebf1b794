using Orleans.Configuration;
using Orleans.TestingHost;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class ClusterTests
{
    [Fact]
    public async Task Grains_are_spread_over_the_silos_and_each_is_in_one_place()
    {
        await using var cluster = await TestCluster.DeployAsync(3);

        var places = await Task.WhenAll(Keys("spread", 60).Select(key => Grain(cluster, key).WhereAsync()));
        var again = await Task.WhenAll(Keys("spread", 60).Select(key => Grain(cluster, key).WhereAsync()));

        Assert.Equal(3, places.Distinct().Count());
        Assert.Equal(places, again);
        Assert.Equal(cluster.Silos.Select(silo => silo.Name).Order(), places.Distinct().Order());
    }

    [Fact]
    public async Task A_grain_that_prefers_it_is_put_where_its_first_caller_is()
    {
        await using var cluster = await TestCluster.DeployAsync(3);

        foreach (var key in Keys("local", 10))
        {
            Assert.Equal(await Grain(cluster, key).WhereAsync(), await Grain(cluster, key).WhereIsLocalAsync(key));
        }
    }

    [Fact]
    public async Task When_one_of_three_silos_is_killed_calls_go_on()
    {
        await using var cluster = await TestCluster.DeployAsync(3);
        var keys = Keys("killed", 30).ToArray();
        var places = await Task.WhenAll(keys.Select(key => Grain(cluster, key).WhereAsync()));
        var victim = cluster.Silos[1];
        Assert.Contains(victim.Name, places);

        await cluster.KillSiloAsync(victim);

        foreach (var (key, place) in keys.Zip(places))
        {
            await Patience.UntilAsync(
                async () =>
                {
                    try
                    {
                        var now = await Grain(cluster, key).WhereAsync().WaitAsync(TimeSpan.FromSeconds(5));
                        return now != victim.Name && (place == victim.Name || now == place);
                    }
                    catch (Exception exception) when (exception is OrleansException or TimeoutException)
                    {
                        return false;
                    }
                },
                $"{key} answers from a living silo");
        }

        Assert.Equal(2, cluster.Silos.Count);
    }

    [Fact]
    public async Task A_call_in_flight_to_a_killed_silo_fails()
    {
        await using var cluster = await TestCluster.DeployAsync(
            3, silo => silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(10)));
        var victim = cluster.Silos[2];
        var key = await KeyOnAsync(cluster, victim.Name);
        var call = Grain(cluster, key).EnterAsync("in-flight");
        await Gate.Named("in-flight").Reached;

        await cluster.KillSiloAsync(victim);

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => call);
        Assert.True(exception is OrleansMessageRejectionException or TimeoutException, exception.ToString());
    }

    [Fact]
    public async Task A_stopped_silo_hands_its_grains_on_and_a_new_one_takes_its_share()
    {
        await using var cluster = await TestCluster.DeployAsync(2);
        await Task.WhenAll(Keys("before", 20).Select(key => Grain(cluster, key).WhereAsync()));
        var stopped = cluster.Silos[1];

        await cluster.StopSiloAsync(stopped);
        var after = await Task.WhenAll(Keys("before", 20).Select(key => Grain(cluster, key).WhereAsync()));
        Assert.All(after, place => Assert.Equal(cluster.Silos[0].Name, place));

        var added = await cluster.StartAdditionalSiloAsync();
        await cluster.WaitForLivenessToStabilizeAsync();
        var places = await Task.WhenAll(Keys("after", 60).Select(key => Grain(cluster, key).WhereAsync()));
        Assert.Contains(added.Name, places);
    }

    [Fact]
    public async Task A_call_in_flight_fails_when_its_client_stops()
    {
        await using var cluster = await TestCluster.DeployAsync();
        var call = Grain(cluster, "stopping").EnterAsync("stopping");
        await Gate.Named("stopping").Reached;

        await cluster.StopClusterClientAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(Patience.Limit));
        Assert.True(call.IsFaulted, call.Status.ToString());
        Gate.Named("stopping").Open();
    }

    private static IPlaceGrain Grain(InProcessTestCluster cluster, string key) => cluster.Client.GetGrain<IPlaceGrain>(key);

    private static IEnumerable<string> Keys(string name, int count) => Enumerable.Range(0, count).Select(i => $"{name}/{i}");

    private static async Task<string> KeyOnAsync(InProcessTestCluster cluster, string silo)
    {
        foreach (var key in Keys("on", 200))
        {
            if (await Grain(cluster, key).WhereAsync() == silo)
            {
                return key;
            }
        }

        throw new InvalidOperationException($"No grain came to {silo}.");
    }
}
