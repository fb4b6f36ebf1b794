using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class TurnTests
{
    [Fact]
    public async Task Calls_of_one_grain_do_not_interleave_at_their_awaits()
    {
        await using var cluster = await TestCluster.DeployAsync();
        var counter = cluster.Client.GetGrain<ICounterGrain>("turns");

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => counter.AddSlowlyAsync(1)));

        Assert.Equal(50, await counter.GetAsync());
    }
}
