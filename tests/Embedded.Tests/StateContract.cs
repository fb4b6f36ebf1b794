using Orleans.TestingHost;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

/// <summary>What every storage does for a grain.</summary>
public abstract class StateContract
{
    private static readonly Note s_note = new("first", [1, 2, 3], new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    protected abstract InProcessTestCluster Cluster { get; }

    protected static Note ANote => s_note;

    protected IStateGrain Grain(string key) => Cluster.Client.GetGrain<IStateGrain>(Unique(key));

    [Fact]
    public async Task A_written_state_is_there_in_the_next_life()
    {
        var grain = Grain("written");
        Assert.Equal((false, null), await grain.RecordAsync());

        await grain.AddAsync(s_note);
        await grain.EndAsync();
        var notes = await grain.GetAsync();

        Assert.Equal(s_note.Text, Assert.Single(notes).Text);
        Assert.Equal(s_note.Numbers, notes[0].Numbers);
        Assert.Equal(s_note.At, notes[0].At);
        Assert.True((await grain.RecordAsync()).Exists);
    }

    [Fact]
    public async Task What_was_not_written_is_gone_in_the_next_life()
    {
        var grain = Grain("unwritten");
        await grain.AddAsync(s_note);

        await grain.AddWithoutWritingAsync(s_note);
        Assert.Equal(2, (await grain.GetAsync()).Length);
        await grain.RereadAsync();
        Assert.Single(await grain.GetAsync());
    }

    [Fact]
    public async Task Every_write_changes_the_tag()
    {
        var grain = Grain("tags");

        var first = await grain.AddAsync(s_note);
        var second = await grain.AddAsync(s_note);

        Assert.NotNull(first.ETag);
        Assert.NotNull(second.ETag);
        Assert.NotEqual(first.ETag, second.ETag);
    }

    [Fact]
    public async Task A_cleared_state_is_empty_and_can_be_written_again()
    {
        var grain = Grain("cleared");
        await grain.AddAsync(s_note);

        await grain.ClearAsync();
        Assert.Empty(await grain.GetAsync());
        Assert.False((await grain.RecordAsync()).Exists);
        await grain.AddAsync(s_note);
        await grain.EndAsync();

        Assert.Single(await grain.GetAsync());
    }

    [Fact]
    public async Task Clearing_what_was_never_written_does_nothing()
    {
        var grain = Grain("never");

        await grain.ClearAsync();

        Assert.Equal((false, null), await grain.RecordAsync());
    }

    [Fact]
    public async Task States_of_one_grain_are_kept_apart_by_name()
    {
        var grain = Cluster.Client.GetGrain<ITwoStatesGrain>(Unique("two"));

        await grain.SetAsync("a", "b");
        await grain.EndAsync();

        Assert.Equal(("a", "bthird"), await grain.GetAsync());
    }

    [Fact]
    public async Task A_state_refuses_code_outside_of_the_grains_turns() => Assert.True(await Grain("strangers").RefusesStrangersAsync());

    /// <summary>No hexadecimal digits alone, which would make the key a number; nothing left from another run.</summary>
    private string Unique(string key) => $"{GetType().Name}/{key}/{Guid.NewGuid():N}";
}
