using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class CallTests(OneSilo silo) : IClassFixture<OneSilo>
{
    private ICallGrain Grain(string key) => silo.Cluster.Client.GetGrain<ICallGrain>(key);

    [Fact]
    public async Task Task_and_value_task_methods_answer()
    {
        Assert.Equal(5, await Grain("answers").AddAsync(2, 3));
        await Grain("answers").DoNothingAsync();
        Assert.Equal("answers", await Grain("answers").NameAsync());
    }

    [Fact]
    public async Task An_exception_reaches_the_caller_with_its_type_and_message()
    {
        var atOnce = await Assert.ThrowsAsync<InvalidOperationException>(() => Grain("throws").ThrowAsync("at once"));
        var later = await Assert.ThrowsAsync<KeyNotFoundException>(() => Grain("throws").ThrowLaterAsync("later"));

        Assert.Equal("at once", atOnce.Message);
        Assert.Equal("later", later.Message);
    }

    [Fact]
    public async Task A_grain_that_threw_takes_the_next_call()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => Grain("goes-on").ThrowAsync("once"));

        Assert.Equal("goes-on", await Grain("goes-on").NameAsync());
    }

    [Fact]
    public async Task A_call_that_takes_too_long_times_out_for_its_caller()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => Grain("slow").EnterImpatientlyAsync("slow"));

        Gate.Named("slow").Open();
    }

    [Fact]
    public async Task A_call_that_timed_out_while_it_waited_is_never_run()
    {
        var grain = Grain("expired");
        var gate = Gate.Named("expired");
        var entered = grain.EnterAsync("expired");
        await gate.Reached;

        await Assert.ThrowsAsync<TimeoutException>(() => grain.NoteImpatientlyAsync("expired"));
        gate.Open();
        await entered;
        await grain.NoteAsync("in time");

        Assert.Equal(["in time"], CallGrain.NotesOf("expired"));
    }

    [Fact]
    public async Task Two_grains_that_call_each_other_time_out()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => Grain("circle-a").CallInACircleAsync("circle-b"));

        Assert.Equal("circle-a", await Grain("circle-a").NameAsync());
    }

    [Fact]
    public async Task Cancelling_ends_the_call_for_the_caller_and_tells_the_grain_in_its_turns()
    {
        var grain = Grain("cancelled");
        var gate = Gate.Named("cancelled");
        using var cancellation = new CancellationTokenSource();
        var call = grain.WaitForCancellationAsync("cancelled", cancellation.Token);
        await gate.Reached;
        gate.Open();

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Patience.UntilAsync(() => CallGrain.NotesOf("cancelled").SequenceEqual(["cancelled"]), "the grain hears of the cancellation");
    }

    [Fact]
    public async Task A_call_with_a_cancelled_token_is_not_made()
    {
        var call = () => Grain("not-made").WaitForCancellationAsync("not-made", new CancellationToken(canceled: true));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(call);
    }

    [Fact]
    public async Task The_caller_of_a_one_way_method_neither_waits_nor_hears_of_failure()
    {
        await Grain("one-way").ForgetAsync("one-way").WaitAsync(Patience.Limit);

        var gate = Gate.Named("one-way");
        await gate.Reached;
        Assert.Empty(CallGrain.NotesOf("one-way"));
        gate.Open();
        await Patience.UntilAsync(() => CallGrain.NotesOf("one-way").SequenceEqual(["forgotten"]), "the one-way call runs to its end");
    }

    [Fact]
    public async Task Caller_and_callee_share_neither_argument_nor_result()
    {
        var grain = Grain("copies");
        var mine = new Basket { Items = ["apple"] };

        var answered = await grain.KeepAsync(mine);
        mine.Items.Add("pear");
        answered.Items.Add("plum");

        Assert.Equal(["apple", "plum"], answered.Items);
        Assert.Equal(1, await grain.CountKeptAsync());
    }

    [Fact]
    public async Task References_travel_and_are_equal_by_identity()
    {
        var one = Grain("reference-one");
        var two = Grain("reference-two");

        Assert.Equal("reference-two", await one.AskAsync(two));
        var myself = await one.MyselfAsync();
        Assert.Equal(one, myself);
        Assert.Equal(one.GetHashCode(), myself.GetHashCode());
        Assert.NotEqual(one, two);
        Assert.Equal("reference-one", myself.GetPrimaryKeyString());
        Assert.Equal("call/reference-one", myself.GetGrainId().ToString());
    }

    [Fact]
    public void An_interface_without_a_class_is_refused_when_the_reference_is_made() =>
        Assert.Throws<ArgumentException>(() => silo.Cluster.Client.GetGrain<INobodysGrain>("nobody"));

    [Fact]
    public void An_interface_with_several_classes_needs_the_name_of_one() =>
        Assert.Throws<ArgumentException>(() => silo.Cluster.Client.GetGrain<IInterleavingGrain>("which"));
}
