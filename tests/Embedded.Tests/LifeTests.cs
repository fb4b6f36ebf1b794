using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class LifeTests(OneSilo silo) : IClassFixture<OneSilo>
{
    private IClusterClient Client => silo.Cluster.Client;

    [Fact]
    public async Task The_first_call_activates_and_is_run_after_activation()
    {
        var grain = Client.GetGrain<ILifeGrain>("first");

        Assert.Empty(LifeGrainOf.EventsOf("first"));
        await grain.WhoAsync();

        Assert.Equal(["activated", "called"], LifeGrainOf.EventsOf("first"));
    }

    [Fact]
    public async Task A_grain_that_asks_to_end_says_goodbye_and_the_next_call_meets_a_new_one()
    {
        var grain = Client.GetGrain<ILifeGrain>("ending");
        var first = await grain.WhoAsync();

        await grain.EndAsync();
        var second = await grain.WhoAsync();

        Assert.NotEqual(first, second);
        Assert.Equal(["activated", "called", "deactivated: ApplicationRequested", "activated", "called"], LifeGrainOf.EventsOf("ending"));
    }

    [Fact]
    public async Task Calls_that_wait_while_a_grain_ends_are_run_by_the_next_activation()
    {
        var grain = Client.GetGrain<ILifeGrain>("waiting");
        var first = await grain.WhoAsync();
        var gate = Gate.Named("waiting");
        var ending = grain.EndAndEnterAsync("waiting");
        await gate.Reached;

        var after = grain.WhoAsync();
        gate.Open();
        await ending;

        Assert.NotEqual(first, await after);
    }

    [Fact]
    public async Task A_failed_activation_fails_the_call_and_a_later_one_may_succeed()
    {
        var grain = Client.GetGrain<IFailingLifeGrain>("failing");

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(grain.WhoAsync);

        Assert.Contains("not today", exception.Message, StringComparison.Ordinal);
        await Patience.UntilAsync(
            async () =>
            {
                try
                {
                    return (await grain.WhoAsync()).Length > 0;
                }
                catch (InvalidOperationException)
                {
                    return false;
                }
            },
            "a later activation succeeds");
    }

    [Fact]
    public async Task An_idle_grain_is_collected_and_says_goodbye()
    {
        var grain = Client.GetGrain<IShortLifeGrain>("idle");
        var first = await grain.WhoAsync();

        await Patience.UntilAsync(() => LifeGrainOf.EventsOf("idle").Contains("deactivated: ActivationIdle"), "collection");

        Assert.NotEqual(first, await grain.WhoAsync());
    }

    [Fact]
    public async Task A_grain_that_is_called_again_and_again_is_not_collected()
    {
        var grain = Client.GetGrain<IShortLifeGrain>("busy");
        var first = await grain.WhoAsync();

        for (var i = 0; i < 15; i++)
        {
            await Task.Delay(200);
            Assert.Equal(first, await grain.WhoAsync());
        }
    }

    [Fact]
    public async Task A_grain_that_delays_its_end_outlives_its_age()
    {
        var grain = Client.GetGrain<IShortLifeGrain>("delayed");
        await grain.WhoAsync();
        await grain.StayAsync(TimeSpan.FromMinutes(5));

        await WaitUntilCollectedAsync("delayed-witness");

        Assert.DoesNotContain("deactivated: ActivationIdle", LifeGrainOf.EventsOf("delayed"));
    }

    [Fact]
    public async Task A_grain_in_the_middle_of_a_call_is_not_collected()
    {
        var grain = Client.GetGrain<IShortLifeGrain>("middle");
        var gate = Gate.Named("middle");
        var entered = grain.EnterAsync("middle");
        await gate.Reached;

        await WaitUntilCollectedAsync("middle-witness");

        Assert.Equal(["activated"], LifeGrainOf.EventsOf("middle"));
        gate.Open();
        await entered;
    }

    [Fact]
    public async Task Stopping_a_silo_in_order_lets_its_grains_say_goodbye()
    {
        var cluster = await TestCluster.DeployAsync();
        await cluster.Client.GetGrain<ILifeGrain>("shutdown").WhoAsync();

        await cluster.DisposeAsync();

        Assert.Equal(["activated", "called", "deactivated: ShuttingDown"], LifeGrainOf.EventsOf("shutdown"));
    }

    /// <summary>Idles a grain of the same class until it is collected, twice: whoever idled as long had its chance.</summary>
    private async Task WaitUntilCollectedAsync(string witness)
    {
        for (var i = 1; i <= 2; i++)
        {
            var times = i;
            await Client.GetGrain<IShortLifeGrain>(witness).WhoAsync();
            await Patience.UntilAsync(
                () => LifeGrainOf.EventsOf(witness).Count(e => e == "deactivated: ActivationIdle") == times, "collection of the witness");
        }
    }
}
