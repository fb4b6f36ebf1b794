using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Arming;

public sealed class ArmTallyTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly FleetSettings Settings = new() { RequiresArmed = true, MaxStalenessSec = 45 };

    [Fact]
    public void A_disarm_is_confirmed_by_whoever_says_so_under_its_number()
    {
        var standing = Tally(armed: false, Settings, Noon.AddSeconds(1), Word("a", 7, false), Word("b", 6, false), Word("c", 7, true), Word("d", 8, false));

        Assert.Equal((2, 2), (standing.Confirmed, standing.UnconfirmedCount));
        Assert.Equal(["b", "c"], standing.Unconfirmed);
        Assert.Equal(Noon.AddSeconds(48), standing.InForceBy);
    }

    [Fact]
    public void Where_all_have_said_so_it_was_in_force_when_the_last_did()
    {
        var standing = Tally(armed: false, Settings, Noon.AddSeconds(9), Word("a", 7, false, saidAt: Noon.AddSeconds(2)), Word("b", 7, false, saidAt: Noon.AddSeconds(1)));

        Assert.Equal((2, 0, Noon.AddSeconds(2)), (standing.Confirmed, standing.UnconfirmedCount, standing.InForceBy));
    }

    [Fact]
    public void A_silent_node_counts_as_stopped_once_its_lease_is_certain_to_be_over()
    {
        ArmWord silent = new(Node("s"), null, null, null, Noon.AddSeconds(-10));
        ArmWord speaks = new(Node("t"), Report(6, true), Noon, Noon.AddSeconds(40), Noon);

        var before = Tally(armed: false, Settings, Noon.AddSeconds(37.9), silent, speaks);
        var after = Tally(armed: false, Settings, Noon.AddSeconds(48), silent, speaks);

        Assert.Equal((0, Noon.AddSeconds(48)), (before.Confirmed, before.InForceBy));
        Assert.Equal((2, 0), (after.Confirmed, after.UnconfirmedCount));
        Assert.Equal(1, Tally(armed: false, Settings, Noon.AddSeconds(38), silent, speaks).Confirmed);
    }

    [Fact]
    public void Without_leases_nothing_bounds_those_who_have_not_said_so()
    {
        var settings = Settings with { MaxStalenessSec = null };

        Assert.Null(Tally(armed: false, settings, Noon.AddHours(5), Word("a", 7, false), Word("b", 0, true)).InForceBy);
        Assert.NotNull(Tally(armed: false, settings, Noon.AddHours(5), Word("a", 7, false)).InForceBy);
        Assert.Equal(1, Tally(armed: false, settings, Noon.AddHours(5), Word("b", 0, true)).UnconfirmedCount);
    }

    [Fact]
    public void A_lease_that_nobody_has_told_a_node_of_bounds_nothing()
    {
        var switchedOn = Settings with { EarlierLease = new EarlierLease { Until = Noon.AddSeconds(-30) } };
        var shortened = Settings with { MaxStalenessSec = 10, EarlierLease = new EarlierLease { MaxStalenessSec = 45, Until = Noon } };
        ArmWord cutOff = new(Node("s") with { RegisteredAt = Noon.AddDays(-1) }, null, null, Noon.AddSeconds(-31), Noon.AddDays(-1));
        ArmWord speaks = new(Node("t"), Report(6, true), Noon, Noon.AddSeconds(-29), Noon.AddDays(-1));

        var standing = Tally(armed: false, switchedOn, Noon.AddHours(1), cutOff, speaks);
        Assert.Equal((1, "s", null), (standing.Confirmed, standing.Unconfirmed.Single(), standing.InForceBy));
        Assert.Equal(Noon.AddSeconds(17), Tally(armed: false, shortened, Noon, cutOff).InForceBy);
        Assert.Equal(Noon.AddSeconds(48), Tally(armed: false, shortened, Noon, Word("b", 6, true)).InForceBy);
    }

    [Fact]
    public void An_arm_is_confirmed_only_by_words()
    {
        var standing = Tally(armed: true, Settings, Noon.AddHours(1), Word("a", 7, true), Word("b", 7, false), new ArmWord(Node("c"), null, null, null, Noon));

        Assert.Equal((1, 2), (standing.Confirmed, standing.UnconfirmedCount));
    }

    [Fact]
    public void Of_many_a_thousand_are_named_and_all_are_counted()
    {
        var standing = Tally(armed: false, Settings, Noon, [.. Enumerable.Range(0, 1_500).Select(i => new ArmWord(Node($"n{i:0000}"), null, null, null, Noon))]);

        Assert.Equal((ArmStanding.NamedMax, 1_500, "n0000"), (standing.Unconfirmed.Length, standing.UnconfirmedCount, standing.Unconfirmed[0]));
        Assert.Equal((0, 0, Noon), Tally(armed: false, Settings, Noon) is var none ? (none.Confirmed, none.UnconfirmedCount, none.InForceBy) : default);
    }

    private static ArmStanding Tally(bool armed, FleetSettings settings, DateTimeOffset now, params ArmWord[] words)
    {
        var arms = FleetArms.Of(0,
        [
            new ArmRow { Scope = new ArmScope("t", "f"), Armed = armed, ArmEpoch = 7, Reason = "r", By = new Actor("olga", "http"), At = Noon },
        ]);
        var tally = new ArmTally(settings, arms, new ArmWatch(7, Noon, null), now);
        foreach (var word in words)
        {
            tally.Add(word);
        }

        return tally.Standing;
    }

    private static ArmWord Word(string node, long epoch, bool armed, DateTimeOffset? saidAt = null) =>
        new(Node(node), Report(epoch, armed), saidAt ?? Noon, Noon.AddSeconds(1), Noon);

    private static NodeRecord Node(string name) => new() { Node = name, Registration = 1, RegisteredAt = Noon };

    private static NodeReport Report(long armEpoch, bool armed) => new() { BootId = "b", Seq = 1, Epoch = 1, ArmEpoch = armEpoch, Armed = armed, Ack = true };
}
