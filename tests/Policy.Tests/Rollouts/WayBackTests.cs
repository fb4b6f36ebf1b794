using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>From the decision to go back to the moment at which it is over.</summary>
public sealed class WayBackTests
{
    [Fact]
    public void A_trigger_is_told_from_the_report_that_made_it_fire_to_the_last_node()
    {
        var fleet = Started();
        fleet.Now += TimeSpan.FromSeconds(5);
        fleet.ErrorRate = 0.06;
        fleet.FiringSince = fleet.Now - TimeSpan.FromMilliseconds(300);
        fleet.Look();
        var decidedAt = fleet.Now;
        fleet.Waiting = 3;
        fleet.Now += TimeSpan.FromMilliseconds(200);
        fleet.Look();
        fleet.Waiting = 0;
        fleet.Now += TimeSpan.FromMilliseconds(700);
        fleet.Look();

        var view = RolloutViews.View(fleet.Rollout, null).Rollback!;
        Assert.Equal((300, 200, 700, 1200), (view.DecideMs, view.DurableMs, view.LastAckMs, view.OverMs));
        Assert.Equal(decidedAt, view.DecidedAt);
        Assert.True(view is { Overdue: false, Nodes: { Nodes: 5, Acked: 5, Fenced: 0, Waiting: 0 } });
        Assert.Equal(RolloutReasons.Trigger, fleet.Rollout.Why.Code);
        Assert.True(fleet.Rollout.IsFinal);
    }

    [Fact]
    public void Until_it_is_over_the_rollout_is_not_final_and_has_its_deadline()
    {
        var fleet = Started();
        fleet.Waiting = 1;
        RollBack(fleet);

        Assert.False(fleet.Rollout.IsFinal);
        Assert.Equal(
            [("look", fleet.Now.AddSeconds(1)), ("rollback", fleet.Now.AddSeconds(60))],
            RolloutDecider.Deadlines(fleet.Rollout).Select(deadline => (deadline.Kind, deadline.DueAt)));

        fleet.Waiting = 0;
        fleet.Look();

        Assert.True(fleet.Rollout.IsFinal);
        Assert.Empty(RolloutDecider.Deadlines(fleet.Rollout));
    }

    [Fact]
    public void A_deadline_that_passes_is_said_once_and_the_reason_comes_back_when_it_is_over()
    {
        var fleet = Started(Fleet.Plan(5, 20, 100) with { RollbackDeadlineSec = 30 });
        fleet.Waiting = 2;
        RollBack(fleet);
        fleet.Look();
        fleet.Now += TimeSpan.FromSeconds(30);
        Assert.Empty(fleet.Look().Value);

        fleet.Now += TimeSpan.FromSeconds(1);
        Assert.IsType<RolloutEvent.Overdue>(Assert.Single(fleet.Look().Value));
        Assert.Equal((RolloutReasons.Overdue, 31d, 30d), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured!.Value, fleet.Rollout.Why.Limit!.Value));
        Assert.Empty(fleet.Look().Value);

        fleet.Waiting = 0;
        fleet.Look();
        Assert.Equal(RolloutReasons.RolledBackByOperator, fleet.Rollout.Why.Code);
        Assert.True(RolloutViews.View(fleet.Rollout, null).Rollback!.Overdue);
    }

    [Fact]
    public void It_is_audited_when_it_is_over_with_its_milliseconds()
    {
        var fleet = Started();
        fleet.FencedOnReturn = 1;
        RollBack(fleet);
        var before = fleet.Rollout;
        fleet.Now += TimeSpan.FromSeconds(2);

        var over = Assert.Single(fleet.Look().Value);
        var entry = Assert.Single(RolloutAudit.Describe(before, fleet.Rollout, over, fleet.See(false)));

        Assert.Equal(("rollback.over", null), (entry.Action, entry.Code));
        Assert.Equal(("2000", "4", "1", "5"), (entry.Detail!["over_ms"], entry.Detail["returned"], entry.Detail["fenced_count"], entry.Detail["had_to_return"]));
    }

    [Fact]
    public void A_fast_track_is_complete_when_the_whole_fleet_has_followed()
    {
        var fleet = new Fleet();
        fleet.Do(new RolloutCommand.FastTrack("default", "f1", "edge", Fleet.V0, "back", Fleet.Author, 60, fleet.Directive, fleet.Now));
        Assert.True(fleet.Directive is { AtRest: true, Target: Fleet.V0, Epoch: 2 });
        Assert.True(fleet.Rollout is { Kind: RolloutKind.FastTrack, Phase: RolloutPhase.Active, IsFinal: false });
        Assert.All(fleet.Nodes, node => Assert.True(fleet.Rollout.Return!.Concerns(node, false)));

        fleet.Look();

        Assert.True(fleet.Rollout is { Phase: RolloutPhase.Complete, IsFinal: true, EndedAt: not null });
    }

    [Fact]
    public void Whoever_may_hold_it_is_waited_for_and_nobody_else()
    {
        var fleet = Started();
        var assigned = fleet.Nodes.Where(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V2).ToHashSet();
        RollBack(fleet);
        var back = fleet.Rollout.Return!;
        var late = fleet.Nodes[0] with { Node = "late", Registration = 1_000 };

        Assert.Equal(5, assigned.Count);
        Assert.All(fleet.Nodes, node => Assert.Equal(assigned.Contains(node), back.Concerns(node, reported: false)));
        Assert.All(fleet.Nodes, node => Assert.True(back.Concerns(node, reported: true)));
        Assert.True(back.Concerns(late, reported: false), "it joined after the census and may have been another unit before");
    }

    [Fact]
    public void A_member_whose_group_held_it_is_waited_for_wherever_it_stands_itself()
    {
        var from = new Directive
        {
            Epoch = 2,
            Target = Fleet.V2,
            Fallback = Fleet.V1,
            Cuts = System.Collections.Immutable.ImmutableSortedDictionary<string, DomainCut>.Empty
                .Add("zone-a", new DomainCut(DomainCut.All, 100)).Add("zone-b", new DomainCut(null, 100)),
        };
        var back = new WayBack { Epoch = 3, Leaves = Fleet.V2, From = from, DetectedAt = Fleet.Start, DecidedAt = Fleet.Start, DeadlineSec = 60 };
        var member = new NodeRecord
        {
            Node = "execution",
            Registration = 7,
            FailureDomain = "zone-b",
            ParityGroup = "pair",
            Group = new GroupPlace("zone-a", 6),
            RegisteredAt = Fleet.Start,
        };

        Assert.True(back.Concerns(member, reported: false));
        Assert.False(back.Concerns(member with { ParityGroup = null, Group = null }, reported: false));
    }

    [Fact]
    public void Counts_of_the_directive_before_settle_nothing()
    {
        var fleet = Started();
        var before = fleet.Directive;
        RollBack(fleet);
        var blind = fleet.See(false) with { Directive = before };

        Assert.Empty(RolloutDecider.Decide(fleet.Rollout, new RolloutCommand.Observe(blind), fleet.Now).Value);
        Assert.Empty(RolloutDecider.Decide(fleet.Rollout, new RolloutCommand.Observe(fleet.See(false) with { Return = null }), fleet.Now).Value);
    }

    [Fact]
    public void What_is_taken_back_goes_to_quarantine_and_so_does_what_a_fast_track_leaves()
    {
        var fleet = Started();
        var before = fleet.Rollout;
        RollBack(fleet);
        Assert.Equal([Fleet.V2], Held(before, fleet.Rollout, fleet.Events[^1], null));

        var track = new RolloutCommand.FastTrack("default", "f1", "edge", Fleet.V0, "back", Fleet.Author, 60, fleet.Directive, fleet.Now);
        var begun = Assert.IsType<RolloutEvent.Started>(RolloutDecider.Decide(null, track, fleet.Now).Value.Single());
        Assert.Equal([Fleet.V1], Held(null, begun.State, begun, fleet.Directive));
        Assert.Equal([Fleet.V2, Fleet.V1], Held(null, begun.State, begun, fleet.Directive with { Target = Fleet.V2, Fallback = Fleet.V1 }));

        static string[] Held(RolloutState? before, RolloutState after, RolloutEvent e, Directive? current) =>
            [.. RolloutQuarantine.Describe(before, after, e, current).Select(bundle => bundle.PolicyHash)];
    }

    [Fact]
    public void A_control_plane_that_died_after_the_commit_counts_from_when_the_decision_was_found()
    {
        var fleet = Started();
        RollBack(fleet);
        fleet.Now += TimeSpan.FromSeconds(7);

        Assert.Equal(fleet.Now, RolloutDecider.Watch(fleet.Rollout, null, fleet.Now).Return!.DurableAt);
        fleet.Waiting = 1;
        fleet.Look();
        var found = fleet.Now;
        fleet.Now += TimeSpan.FromSeconds(7);

        Assert.Equal(found, fleet.Rollout.Return!.DurableAt);
        Assert.Equal(found, RolloutDecider.Watch(fleet.Rollout, null, fleet.Now).Return!.DurableAt);
    }

    private static Fleet Started(RolloutPlan? plan = null)
    {
        var fleet = new Fleet();
        fleet.StartRollout(plan ?? Fleet.Plan(5, 20, 100));
        return fleet;
    }

    private static void RollBack(Fleet fleet) => fleet.Do(new RolloutCommand.RollBack(Fleet.Author, "back", fleet.Directive));
}
