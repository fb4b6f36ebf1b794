using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class LeaseTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly FleetSettings Leased = new();
    private static readonly FleetSettings Unleased = new() { MaxStalenessSec = null };
    private static readonly FleetSettings Shortened = new() { MaxStalenessSec = 10, NodeTtlSec = 14, EarlierLease = new EarlierLease { MaxStalenessSec = 45, Until = T0 } };
    private static readonly FleetSettings SwitchedOn = new() { EarlierLease = new EarlierLease { Until = T0 } };

    [Fact]
    public void A_lease_is_the_fleets_staleness()
    {
        Assert.Equal(45, Lease.Grant(Leased));
        Assert.Null(Lease.Grant(Unleased));
    }

    [Fact]
    public void A_node_is_fenced_three_seconds_after_its_lease()
    {
        Assert.False(Lease.IsFenced(Leased, T0, T0, null, T0.AddSeconds(47.999)));
        Assert.True(Lease.IsFenced(Leased, T0, T0, null, T0.AddSeconds(48)));
    }

    [Fact]
    public void A_node_that_asks_but_does_not_change_is_fenced_from_the_commit_that_forbids_its_hash()
    {
        Assert.False(Lease.IsFenced(Leased, T0.AddSeconds(48), T0.AddSeconds(48), T0.AddSeconds(1), T0.AddSeconds(48)));
        Assert.True(Lease.IsFenced(Leased, T0.AddSeconds(48), T0.AddSeconds(48), T0, T0.AddSeconds(48)));
    }

    [Fact]
    public void Without_leases_nobody_is_ever_fenced()
    {
        Assert.False(Lease.IsFenced(Unleased, T0, T0, T0, T0.AddDays(1)));
        Assert.Null(Lease.FenceAfter(Unleased));
    }

    [Theory]
    [InlineData(-10, 38)]
    [InlineData(0, 48)]
    [InlineData(1, 48)]
    [InlineData(35, 48)]
    [InlineData(36, 49)]
    public void Where_the_lease_was_longer_a_node_is_fenced_once_that_must_have_run_out(double heard, double fenced) =>
        Assert.Equal(T0.AddSeconds(fenced), Lease.FencedAt(Shortened, T0.AddSeconds(heard), T0.AddSeconds(heard), null));

    [Fact]
    public void Where_leases_were_off_a_node_is_never_fenced_before_it_has_asked_again()
    {
        Assert.Null(Lease.FencedAt(SwitchedOn, T0, T0, T0.AddSeconds(-1)));
        Assert.Equal(T0.AddSeconds(49), Lease.FencedAt(SwitchedOn, T0.AddSeconds(1), T0.AddSeconds(1), null));

        // What was granted in between is not known, and was not longer than the longest lease.
        Assert.Equal(T0.AddSeconds(48), Lease.FencedAt(SwitchedOn with { MaxStalenessSec = 10 }, T0.AddSeconds(1), T0.AddSeconds(1), null));
    }

    [Fact]
    public void A_node_not_heard_yet_may_have_a_lease_from_before_unless_it_was_registered_since()
    {
        Assert.False(Lease.IsFenced(SwitchedOn, T0.AddHours(1), T0, null, T0.AddDays(1)));
        Assert.True(Lease.IsFenced(SwitchedOn, T0.AddHours(1), T0.AddSeconds(1), null, T0.AddHours(1).AddSeconds(48)));
        Assert.Equal(NodeState.Silent, Lease.StateOf(SwitchedOn, null, T0.AddHours(1), T0, null, T0.AddHours(2)));
        Assert.Equal(NodeState.Fenced, Lease.StateOf(SwitchedOn, null, T0.AddHours(1), T0.AddSeconds(1), null, T0.AddHours(2)));
    }

    [Theory]
    [InlineData(20, NodeState.Silent)]
    [InlineData(48, NodeState.Left)]
    public void Nobody_leaves_while_a_longer_lease_from_before_runs(double seconds, NodeState state) =>
        Assert.Equal(state, Lease.StateOf(Shortened, T0, T0, T0, null, T0.AddSeconds(seconds)));

    [Fact]
    public void Who_left_is_looked_for_as_far_back_as_the_longest_lease_that_ends()
    {
        Assert.Equal(TimeSpan.FromSeconds(48), Lease.FenceAfterMax(Shortened));
        Assert.Equal(TimeSpan.FromSeconds(48), Lease.FenceAfterMax(SwitchedOn));
        Assert.Equal(TimeSpan.FromSeconds(13), Lease.FenceAfterMax(new FleetSettings { MaxStalenessSec = 10 }));
        Assert.Null(Lease.FenceAfterMax(Unleased));
    }

    [Theory]
    [InlineData(0, NodeState.Live)]
    [InlineData(22.5, NodeState.Live)]
    [InlineData(22.6, NodeState.Silent)]
    [InlineData(47.9, NodeState.Silent)]
    [InlineData(48, NodeState.Fenced)]
    [InlineData(86_399, NodeState.Fenced)]
    [InlineData(86_400, NodeState.Left)]
    public void A_silent_node_is_fenced_and_then_gone(double seconds, NodeState state) =>
        Assert.Equal(state, Lease.StateOf(Leased, T0, T0, T0, null, T0.AddSeconds(seconds)));

    [Theory]
    [InlineData(20, NodeState.Live)]
    [InlineData(21, NodeState.Silent)]
    [InlineData(86_400, NodeState.Left)]
    public void Without_leases_a_node_is_live_for_twenty_seconds(double seconds, NodeState state) =>
        Assert.Equal(state, Lease.StateOf(Unleased, T0, T0, T0, null, T0.AddSeconds(seconds)));

    [Theory]
    [InlineData(0, NodeState.Silent)]
    [InlineData(47.9, NodeState.Silent)]
    [InlineData(48, NodeState.Fenced)]
    public void A_node_never_heard_is_silent_until_a_lease_from_before_must_have_run_out(double seconds, NodeState state) =>
        Assert.Equal(state, Lease.StateOf(Leased, null, T0, T0, null, T0.AddSeconds(seconds)));

    [Fact]
    public void A_node_heard_in_the_future_is_live() => Assert.Equal(NodeState.Live, Lease.StateOf(Leased, T0.AddSeconds(5), T0, T0, null, T0));

    [Theory]
    [InlineData(45, 30, 7)]
    [InlineData(45, 3, 3)]
    [InlineData(12, 30, 2)]
    [InlineData(45, 0, 0)]
    [InlineData(45, -5, 0)]
    [InlineData(null, 30, 20)]
    [InlineData(null, 15, 15)]
    public void A_poll_is_held_for_a_sixth_of_the_lease_at_most(int? lease, double asked, double held) =>
        Assert.Equal(TimeSpan.FromSeconds(held), Lease.PollWait(new FleetSettings { MaxStalenessSec = lease }, TimeSpan.FromSeconds(asked)));
}
