using Orleans.TestingHost;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

/// <summary>What every reminder service does.</summary>
public abstract class ReminderContract
{
    protected static readonly TimeSpan Often = TimeSpan.FromMilliseconds(300);

    private static readonly TimeSpan s_never = TimeSpan.FromHours(1);

    protected abstract InProcessTestCluster Cluster { get; }

    [Fact]
    public async Task A_reminder_comes_again_and_again_until_it_is_unregistered()
    {
        var grain = Grain(out var key);

        await grain.RegisterAsync("again", TimeSpan.Zero, Often);
        await UntilTicksAsync(key, 2);
        await grain.UnregisterAsync("again");
        await Task.Delay(Often);
        var ticks = ReminderGrain.TicksOf(key).Count;
        await Task.Delay(3 * Often);

        Assert.Equal(ticks, ReminderGrain.TicksOf(key).Count);
        Assert.False(await grain.HasAsync("again"));
    }

    [Fact]
    public async Task A_tick_tells_when_it_was_first_due_and_when_it_is()
    {
        var before = DateTime.UtcNow;
        var grain = Grain(out var key);

        await grain.RegisterAsync("status", Often, Often);
        await UntilTicksAsync(key, 1);

        var (name, status, _) = ReminderGrain.TicksOf(key).First();
        Assert.Equal("status", name);
        Assert.Equal(Often, status.Period);
        Assert.InRange(status.FirstTickTime, before, DateTime.UtcNow);
        Assert.InRange(status.CurrentTickTime, status.FirstTickTime.AddMilliseconds(-50), DateTime.UtcNow);
    }

    [Fact]
    public async Task A_reminder_wakes_a_grain_that_has_ended()
    {
        var grain = Grain(out var key);
        await grain.RegisterAsync("wakes", TimeSpan.Zero, Often);
        await UntilTicksAsync(key, 1);

        await grain.EndAsync();

        await Patience.UntilAsync(() => ReminderGrain.TicksOf(key).Select(tick => tick.Life).Distinct().Count() > 1, "a tick of the next life");
    }

    [Fact]
    public async Task Reminders_of_a_grain_are_listed_and_updated_by_name()
    {
        var grain = Grain(out var key);
        await grain.RegisterAsync("a", s_never, s_never);
        await grain.RegisterAsync("b", s_never, s_never);
        await grain.RegisterAsync("a", TimeSpan.Zero, Often);

        Assert.Equal(["a", "b"], await grain.ListAsync());
        await UntilTicksAsync(key, 1);
        Assert.All(ReminderGrain.TicksOf(key), tick => Assert.Equal("a", tick.Name));
        Assert.False(await grain.HasAsync("c"));
    }

    [Fact]
    public async Task A_period_below_the_minimum_is_refused() =>
        await Assert.ThrowsAsync<ArgumentException>(() => Grain(out _).RegisterAsync("too often", TimeSpan.Zero, TimeSpan.FromMilliseconds(1)));

    [Fact]
    public async Task A_negative_due_time_is_refused() =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Grain(out _).RegisterAsync("past", TimeSpan.FromSeconds(-2), s_never));

    protected static Task UntilTicksAsync(string key, int ticks) =>
        Patience.UntilAsync(() => ReminderGrain.TicksOf(key).Count >= ticks, $"{ticks} ticks of {key}");

    protected IReminderGrain Grain(out string key)
    {
        key = $"{GetType().Name}/{Guid.NewGuid():N}";
        return Cluster.Client.GetGrain<IReminderGrain>(key);
    }
}
