using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class TurnTests(OneSilo silo) : IClassFixture<OneSilo>
{
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(200);

    private IClusterClient Client => silo.Cluster.Client;

    [Fact]
    public async Task Calls_of_one_grain_do_not_interleave_at_their_awaits()
    {
        var counter = Client.GetGrain<ICounterGrain>("turns");

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => counter.AddSlowlyAsync(1)));

        Assert.Equal(50, await counter.GetAsync());
    }

    [Fact]
    public async Task Waiting_calls_run_each_once()
    {
        var order = Client.GetGrain<IOrderGrain>("order");

        await Task.WhenAll(Enumerable.Range(0, 100).Select(order.AddAsync));

        // In which order is nobody's promise: Orleans, too, lets calls overtake each other on their way.
        Assert.Equal(Enumerable.Range(0, 100), (await order.GetAsync()).Order());
    }

    [Fact]
    public async Task An_await_comes_back_to_the_turns_of_the_grain() =>
        Assert.True(await Client.GetGrain<IOrderGrain>("scheduler").StaysInItsTurnsAsync());

    [Fact]
    public async Task A_call_waits_while_another_awaits_but_an_always_interleaving_one_does_not()
    {
        var counter = Client.GetGrain<ICounterGrain>("peek");
        var gate = Gate.Named("peek");
        var entered = counter.EnterAsync("peek");
        await gate.Reached;

        var waiting = counter.GetAsync().AsTask();
        Assert.Equal(0, await counter.PeekAsync());
        await Task.WhenAny(waiting, Task.Delay(s_moment));
        Assert.False(waiting.IsCompleted);

        gate.Open();
        await entered;
        Assert.Equal(0, await waiting);
    }

    [Fact]
    public async Task Every_call_of_a_reentrant_grain_interleaves()
    {
        var grain = Client.GetGrain<IReentrantGrain>("reentrant");
        var gate = Gate.Named("reentrant");
        var entered = grain.EnterAsync("reentrant");
        await gate.Reached;

        Assert.Equal(7, await grain.PingAsync(7));

        gate.Open();
        await entered;
    }

    [Fact]
    public async Task A_predicate_decides_which_calls_interleave()
    {
        var grain = Client.GetGrain<IMayInterleaveGrain>("predicate");
        var gate = Gate.Named("predicate");
        var entered = grain.EnterAsync("predicate");
        await gate.Reached;

        var odd = grain.PingAsync(1);
        Assert.Equal(2, await grain.PingAsync(2));
        await Task.WhenAny(odd, Task.Delay(s_moment));
        Assert.False(odd.IsCompleted);

        gate.Open();
        await entered;
        Assert.Equal(1, await odd);
    }

    [Fact]
    public async Task A_predicate_that_fails_fails_the_call_and_nothing_else()
    {
        var grain = Client.GetGrain<IMayInterleaveGrain>("failing-predicate");
        var gate = Gate.Named("failing-predicate");
        var entered = grain.EnterAsync("failing-predicate");
        await gate.Reached;

        await Assert.ThrowsAsync<InvalidOperationException>(() => grain.PingAsync(-1));

        Assert.Equal(2, await grain.PingAsync(2));
        gate.Open();
        await entered;
    }

    [Fact]
    public async Task Read_only_calls_interleave_with_each_other_and_not_with_writes()
    {
        var grain = Client.GetGrain<IReadOnlyGrain>("read-only");
        var gate = Gate.Named("read-only");
        var entered = grain.EnterAsync("read-only");
        await gate.Reached;

        var write = grain.WriteAsync(5);
        Assert.Equal(0, await grain.ReadAsync());
        await Task.WhenAny(write, Task.Delay(s_moment));
        Assert.False(write.IsCompleted);

        gate.Open();
        await entered;
        await write;
        Assert.Equal(5, await grain.ReadAsync());
    }

    [Fact]
    public async Task Different_grains_run_side_by_side()
    {
        var gate = Gate.Named("side-by-side");
        var entered = Client.GetGrain<ICounterGrain>("one").EnterAsync("side-by-side");
        await gate.Reached;

        Assert.Equal(0, await Client.GetGrain<ICounterGrain>("two").GetAsync());

        gate.Open();
        await entered;
    }
}
