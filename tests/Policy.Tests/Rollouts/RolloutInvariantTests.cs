using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>Events that no decider made: applying them stops everything.</summary>
public sealed class RolloutInvariantTests
{
    private static readonly Verdict Pass = new(VerdictKind.Pass, Judge.PassCode, "fine", [], 1_000);
    private static readonly Why Why = new("x", "x", Fleet.Start);
    private static readonly WayBack Back = new() { Epoch = 9, DetectedAt = Fleet.Start, DecidedAt = Fleet.Start, DeadlineSec = 60 };

    [Fact]
    public void A_skipped_stage() => Stops("INV-RWG-STAGED", state => Advance(state, stage: 2));

    [Fact]
    public void A_stage_entered_twice() => Stops("INV-RWG-STAGED", state => Advance(state, stage: 0));

    [Fact]
    public void A_stage_beyond_the_last() => Stops("INV-RWG-STAGED", state => Advance(state, stage: 3), state => state with { StageIndex = 2 });

    [Fact]
    public void An_advance_while_paused() => Stops("INV-RWG-STAGED", state => Advance(state, stage: 1), state => state with { Phase = RolloutPhase.Paused });

    [Fact]
    public void A_stage_left_before_its_window() => Stops(
        "INV-RWG-OBSERVE", state => Advance(state, stage: 1) with { At = Fleet.Start.AddSeconds(59) });

    [Fact]
    public void An_epoch_that_falls() => Stops("INV-EPOCH", state => new RolloutEvent.RolledBack(
        Fleet.Start, Fleet.Author, Why, new Directive { Epoch = state.Epoch - 1 }, Pass, Back));

    [Fact]
    public void Anything_but_the_way_back_once_it_has_begun() => Stops(
        "INV-RWG-RETURN", _ => new RolloutEvent.Approved(Fleet.Start, Fleet.Approver, "fine"), state => state with { Return = Back });

    [Fact]
    public void A_way_back_that_never_began() => Stops(
        "INV-RWG-RETURN", _ => new RolloutEvent.Over(Fleet.Start, Fleet.Start, Fleet.Start, new ReturnCounts(1, 1, 0)));

    [Fact]
    public void A_way_back_that_ends_before_everybody_returned() => Stops(
        "INV-RWG-RETURN", _ => new RolloutEvent.Over(Fleet.Start, Fleet.Start, Fleet.Start, new ReturnCounts(2, 1, 0)),
        state => state with { Phase = RolloutPhase.RolledBack, Return = Back });

    [Fact]
    public void Anything_after_the_end() => Stops(
        "INV-RWG-STAGED", _ => new RolloutEvent.Approved(Fleet.Start, Fleet.Approver, "fine"), state => state with { Phase = RolloutPhase.Complete });

    [Fact]
    public void Anything_before_the_beginning_and_a_second_beginning()
    {
        Assert.Contains("INV-RWG-STAGED", Assert.Throws<InvariantViolationException>(
            () => RolloutDecider.Apply(null, new RolloutEvent.Approved(Fleet.Start, Fleet.Approver, "fine"))).Message, StringComparison.Ordinal);
        Stops("INV-RWG-STAGED", state => new RolloutEvent.Started(Fleet.Start, state, new Directive { Epoch = 9 }));
    }

    [Fact]
    public void A_rollout_without_a_way_back() => Assert.StartsWith(
        "INV-RWG-ROLLBACK",
        Assert.Throws<InvariantViolationException>(() => RolloutDecider.Decide(
            Started().Rollout with { Fallback = null }, new RolloutCommand.RollBack(Fleet.Author, "back", Started().Directive), Fleet.Start)).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(61)]
    [InlineData(0)]
    public void A_way_back_that_is_not_due_within_60_seconds(int seconds) => Stops("INV-RWG-ROLLBACK", state => new RolloutEvent.RolledBack(
        Fleet.Start, Fleet.Author, Why, new Directive { Epoch = 9 }, Pass, Back with { DeadlineSec = seconds }));

    [Fact]
    public void The_first_enforcing_stage_skipped_from_the_shadow() => Stops(
        "INV-RWG-STAGED", state => Advance(state, stage: 1), state => state with { StageIndex = RolloutState.ShadowIndex });

    [Fact]
    public void A_stage_wider_than_the_radius()
    {
        var fleet = Started();
        var plan = fleet.Rollout.Plan!;
        fleet.State = fleet.Rollout with { Plan = plan with { MaxBlastRadius = 10 } };
        fleet.LookFor(TimeSpan.FromSeconds(59));
        fleet.Now += TimeSpan.FromSeconds(1);

        Assert.Contains("INV-RWG-BLAST", Assert.Throws<InvariantViolationException>(() => fleet.Look()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_phase_that_is_none() => Assert.Throws<InvariantViolationException>(() => RolloutDecider.NameOf((RolloutPhase)99));

    private static Fleet Started()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 20, 100));
        return fleet;
    }

    private static RolloutEvent.Advanced Advance(RolloutState state, int stage) =>
        new(Fleet.Start.AddMinutes(5), stage, 20, new Directive { Epoch = state.Epoch + 1 }, Pass, RolloutCodes.Advanced, Why, []);

    private static void Stops(string invariant, Func<RolloutState, RolloutEvent> e, Func<RolloutState, RolloutState>? change = null)
    {
        var state = Started().Rollout;
        state = change is null ? state : change(state);
        Assert.StartsWith(
            invariant, Assert.Throws<InvariantViolationException>(() => RolloutDecider.Apply(state, e(state))).Message, StringComparison.Ordinal);
    }
}
