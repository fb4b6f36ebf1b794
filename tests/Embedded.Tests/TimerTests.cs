using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class TimerTests(OneSilo silo) : IClassFixture<OneSilo>
{
    private static readonly TimeSpan s_often = TimeSpan.FromMilliseconds(50);

    private ITimerGrain Grain(string key) => silo.Cluster.Client.GetGrain<ITimerGrain>(key);

    [Fact]
    public async Task A_timer_ticks_again_and_again_until_it_is_disposed()
    {
        var grain = Grain("ticks");
        await grain.StartAsync(TimeSpan.Zero, s_often, interleave: false, keepAlive: true);
        await UntilTicksAsync("ticks", 3);

        await grain.StopAsync();
        var ticks = TimerGrain.TicksOf("ticks");
        await Task.Delay(300);

        Assert.InRange(TimerGrain.TicksOf("ticks"), ticks, ticks);
    }

    [Fact]
    public async Task An_infinite_period_ticks_once()
    {
        await Grain("once").StartAsync(TimeSpan.Zero, Timeout.InfiniteTimeSpan, interleave: false, keepAlive: true);
        await UntilTicksAsync("once", 1);

        await Task.Delay(300);

        Assert.Equal(1, TimerGrain.TicksOf("once"));
    }

    [Fact]
    public async Task A_changed_timer_keeps_its_new_time()
    {
        var grain = Grain("changed");
        await grain.StartAsync(TimeSpan.FromHours(1), TimeSpan.FromHours(1), interleave: false, keepAlive: true);

        await grain.ChangeAsync(TimeSpan.Zero, s_often);

        await UntilTicksAsync("changed", 3);
    }

    [Fact]
    public async Task A_callback_that_throws_does_not_stop_its_timer()
    {
        var grain = Grain("broken");
        await grain.BreakAsync();

        await grain.StartAsync(TimeSpan.Zero, s_often, interleave: false, keepAlive: true);

        await UntilTicksAsync("broken", 3);
    }

    [Fact]
    public async Task A_tick_waits_for_the_running_call()
    {
        var grain = Grain("waits");
        await grain.StartAsync(TimeSpan.FromMilliseconds(200), s_often, interleave: false, keepAlive: true);
        var gate = Gate.Named("timer-waits");
        var entered = grain.EnterAsync("timer-waits");
        await gate.Reached;

        await Task.Delay(500);
        Assert.Equal(0, TimerGrain.TicksOf("waits"));

        gate.Open();
        await entered;
        await UntilTicksAsync("waits", 1);
    }

    [Fact]
    public async Task An_interleaving_tick_does_not_wait()
    {
        var grain = Grain("interleaves");
        await grain.StartAsync(TimeSpan.FromMilliseconds(100), s_often, interleave: true, keepAlive: true);
        var gate = Gate.Named("timer-interleaves");
        var entered = grain.EnterAsync("timer-interleaves");
        await gate.Reached;

        await UntilTicksAsync("interleaves", TimerGrain.TicksOf("interleaves") + 2);

        gate.Open();
        await entered;
    }

    [Fact]
    public async Task Only_a_timer_that_keeps_alive_keeps_its_grain_from_collection()
    {
        await Grain("kept").StartAsync(TimeSpan.Zero, s_often, interleave: false, keepAlive: true);
        await Grain("not-kept").StartAsync(TimeSpan.Zero, s_often, interleave: false, keepAlive: false);

        await Patience.UntilAsync(() => TimerGrain.HasEnded("not-kept"), "collection of the grain that is not kept alive");

        Assert.False(TimerGrain.HasEnded("kept"));
    }

    [Fact]
    public async Task A_timer_ends_with_its_activation()
    {
        var grain = Grain("ends");
        await grain.StartAsync(TimeSpan.Zero, s_often, interleave: false, keepAlive: true);
        await UntilTicksAsync("ends", 1);

        await grain.EndAsync();
        await Patience.UntilAsync(() => TimerGrain.HasEnded("ends"), "the end of the grain");
        var ticks = TimerGrain.TicksOf("ends");
        await Task.Delay(300);

        Assert.Equal(ticks, TimerGrain.TicksOf("ends"));
    }

    [Fact]
    public async Task Only_the_grains_own_turns_may_start_a_timer() => Assert.True(await Grain("strangers").StrangersMayNotStartOneAsync());

    private static Task UntilTicksAsync(string key, int ticks) =>
        Patience.UntilAsync(() => TimerGrain.TicksOf(key) >= ticks, $"{ticks} ticks of {key}");
}
