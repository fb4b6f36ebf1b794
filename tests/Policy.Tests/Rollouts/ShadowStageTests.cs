using OrleansPolicy.Fleets;
using OrleansPolicy.Review;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>The stage before the first: every node evaluates the new bundle beside the one in force, and nobody runs it.</summary>
public sealed class ShadowStageTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly RolloutPlan Plan = Fleet.Plan(20, 60, 100) with { Shadow = true };

    [Fact]
    public void Nobody_is_assigned_and_everybody_is_shown_the_target()
    {
        var fleet = Started(Plan);

        Assert.Equal(
            (RolloutPhase.Active, -1, "shadow", 0m, false),
            (fleet.Rollout.Phase, fleet.Rollout.StageIndex, fleet.Rollout.Stage!.StageId, fleet.Rollout.Percentage, fleet.Rollout.AtInitialPercentage));
        Assert.Equal((true, Fleet.V2, Fleet.V1, 0m), (fleet.Directive.Shadow, fleet.Directive.Target, fleet.Directive.Fallback, fleet.Directive.Percentage));
        Assert.Equal(Fleet.V2, Cohorts.ShadowHash(fleet.Directive));
        Assert.All(fleet.Nodes, node => Assert.Equal(Fleet.V1, Cohorts.AssignedHash(fleet.Directive, node)));
        Assert.Equal("shadow", RolloutViews.View(fleet.Rollout, null).StageId);
        Assert.Equal(new FleetWatch(fleet.Now, fleet.Rollout.Epoch), RolloutDecider.Watch(fleet.Rollout, null, fleet.Now));
    }

    [Fact]
    public void After_one_window_the_first_enforcing_stage_is_entered_and_nobody_is_shown_anything_more()
    {
        var fleet = Started(Plan);

        var advanced = Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(Window * 2));

        Assert.Equal(Fleet.Start + Window, fleet.Now);
        Assert.Equal((0, 20m, "RWG-001"), (advanced.StageIndex, advanced.Percentage, advanced.Code));
        Assert.Equal((0, 20m, false), (fleet.Rollout.StageIndex, fleet.Rollout.Percentage, fleet.Directive.Shadow));
        Assert.Null(Cohorts.ShadowHash(fleet.Directive));
        Assert.Equal(20, fleet.Assigned);
        Assert.Equal(1_000, fleet.Rollout.Shadow!.Compared);
        Assert.Same(fleet.Rollout.Shadow, RolloutViews.View(fleet.Rollout, null).Shadow);
        var audit = Assert.Single(RolloutAudit.Describe(Started(Plan).Rollout, fleet.Rollout, advanced, new Fleet { Directive = new Directive { Epoch = 2, Shadow = true } }.See(false)));
        Assert.Equal(("stage-20", 20m, "shadow", 1_000d, 1d), (
            audit.StageId, audit.TargetPercentage, audit.Detail!["from_stage"], audit.Metrics!["shadow_compared"], audit.Metrics["shadow_changed"]));
    }

    [Fact]
    public void The_first_enforcing_stage_begins_at_the_initial_percentage()
    {
        var fleet = Started(Plan with { InitialPercentage = 5 });

        fleet.LookFor(Window * 2);
        Assert.Equal((0, 5m, true), (fleet.Rollout.StageIndex, fleet.Rollout.Percentage, fleet.Rollout.AtInitialPercentage));

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(Window * 2));
        Assert.Equal((0, 20m, false), (fleet.Rollout.StageIndex, fleet.Rollout.Percentage, fleet.Rollout.AtInitialPercentage));
    }

    [Fact]
    public void A_manual_plan_waits_for_a_person_who_has_seen_what_differs()
    {
        var fleet = Started(Plan with { IncrementPolicy = IncrementPolicy.Manual });

        Assert.Null(fleet.LookFor(Window * 2));
        Assert.Equal(RolloutReasons.Approval, fleet.Rollout.Why.Code);
        fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "the three rules are meant"));

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(Window));
    }

    [Theory]
    [InlineData(19, null, 0.02, VerdictKind.Fail)]
    [InlineData(20, null, 0.02, VerdictKind.Pass)]
    [InlineData(null, 1.9, 0.02, VerdictKind.Fail)]
    [InlineData(null, 2.0, 0.02, VerdictKind.Pass)]
    [InlineData(null, null, 0.9, VerdictKind.Pass)]
    [InlineData(0, null, 0.0, VerdictKind.Pass)]
    public void The_backtest_is_its_criterion(int? decisions, double? percentage, double changed, VerdictKind kind)
    {
        var limited = decisions is not null || percentage is not null;
        var fleet = Started(Plan with { Backtest = limited ? new PlanBacktest(decisions, (decimal?)percentage) : null });
        fleet.ErrorRate = changed;

        LookAfter(fleet, Window);

        var verdict = kind == VerdictKind.Pass ? Assert.IsType<RolloutEvent.Advanced>(fleet.Events[^1]).Verdict : fleet.Rollout.Verdict!;
        Assert.Equal(kind, verdict.Kind);
        if (kind == VerdictKind.Fail)
        {
            Assert.Equal(
                ("criterion.failed", "backtest.max_changed_decisions", 20d, 19d),
                (fleet.Rollout.Why.Code, fleet.Rollout.Why.Criterion, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Limit));
        }
    }

    [Fact]
    public void Nodes_whose_agent_knows_no_shadow_have_shown_nothing()
    {
        var fleet = Started(Plan);
        fleet.Unacked = 100;

        Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(4 * Window));

        Assert.Equal(RolloutReasons.ThreeWindows, fleet.Rollout.Why.Code);
        Assert.Equal((VerdictKind.Inconclusive, "shadow.not_watched"), (fleet.Rollout.Verdict!.Kind, fleet.Rollout.Verdict.Code));
        Assert.Equal(0, fleet.Rollout.Shadow!.Watching);
    }

    [Theory]
    [InlineData(1, VerdictKind.Pass)]
    [InlineData(2, VerdictKind.Inconclusive)]
    public void All_but_one_node_in_a_hundred_must_have_looked(int missing, VerdictKind kind)
    {
        var fleet = Started(Plan);
        fleet.Unacked = missing;

        LookAfter(fleet, Window / 2);

        Assert.Equal(kind, fleet.Rollout.Verdict!.Kind);
        if (kind == VerdictKind.Inconclusive)
        {
            LookAfter(fleet, Window / 2);
            Assert.Equal(("shadow.not_watched", 98d, 99d), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Limit));
        }
    }

    [Theory]
    [InlineData(99, 0, "samples.too_few")]
    [InlineData(100, 61, "samples.stale")]
    [InlineData(0, 0, "samples.too_few")]
    public void What_was_not_compared_or_long_ago_is_inconclusive(double compared, int ageSec, string code)
    {
        var fleet = Started(Plan);
        (fleet.Decisions, fleet.SampleAge) = (compared, TimeSpan.FromSeconds(ageSec));

        LookAfter(fleet, Window);

        Assert.Equal((VerdictKind.Inconclusive, code, code), (fleet.Rollout.Verdict!.Kind, fleet.Rollout.Verdict.Code, fleet.Rollout.Why.Code));
    }

    [Fact]
    public void A_fleet_that_says_nothing_of_a_shadow_is_inconclusive()
    {
        var fleet = Started(Plan);
        LookAfter(fleet, Window / 2);
        fleet.Now += TimeSpan.FromSeconds(1);

        fleet.Do(new RolloutCommand.Observe(fleet.See(true) with { Shadow = null }));

        Assert.Equal("samples.too_few", fleet.Rollout.Verdict!.Code);
    }

    [Fact]
    public void Nodes_that_cannot_load_it_take_it_back()
    {
        var fleet = Started(Plan with { NackBudget = new NackBudget(null, 2) });
        fleet.Nacked = 2;
        LookAfter(fleet, TimeSpan.FromSeconds(1));
        Assert.Equal(RolloutPhase.Active, fleet.Rollout.Phase);

        fleet.Nacked = 3;
        LookAfter(fleet, TimeSpan.FromSeconds(1));

        Assert.Equal((RolloutPhase.RolledBack, RolloutReasons.Nacks, 3d, 2d), (fleet.Rollout.Phase, fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Limit));
        Assert.StartsWith("3 of 100 live nodes", fleet.Rollout.Why.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_way_back_from_it_is_over_at_once(bool paused)
    {
        var fleet = Started(Plan);
        if (paused)
        {
            fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"));
        }

        fleet.Do(new RolloutCommand.RollBack(Fleet.Author, "seen enough", fleet.Directive, fleet.Now - TimeSpan.FromSeconds(1)));

        Assert.True(fleet.Rollout is { IsFinal: true, Phase: RolloutPhase.RolledBack });
        Assert.True(fleet.Directive is { AtRest: true, Target: Fleet.V1, Shadow: false });
        Assert.Equal((0, fleet.Now, fleet.Now - TimeSpan.FromSeconds(1)), (fleet.Rollout.Return!.Nodes!.Nodes, fleet.Rollout.Return.OverAt, fleet.Rollout.Return.DetectedAt));
        Assert.Empty(RolloutDecider.Deadlines(fleet.Rollout));
    }

    [Fact]
    public void What_a_person_does_in_it_is_told_with_what_was_found()
    {
        var fleet = Started(Plan);
        LookAfter(fleet, Window / 2);
        var before = fleet.Rollout;

        var e = fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait")).Value.Single();

        var draft = RolloutAudit.Describe(before, fleet.Rollout, e, null).Single();
        Assert.Equal(("shadow", 0m, 1_000d, 1d), (draft.StageId, draft.TargetPercentage, draft.Metrics!["shadow_compared"], draft.Metrics["shadow_changed"]));
    }

    [Fact]
    public void What_differs_is_kept_whatever_becomes_of_it()
    {
        var fleet = Started(Plan with { OnFail = OnFail.Freeze, Backtest = new PlanBacktest(0) });
        LookAfter(fleet, Window / 2);

        Assert.Equal(RolloutPhase.Paused, fleet.Rollout.Phase);
        Assert.Equal([new ShadowChange(DecisionChangeKind.AllowToDeny, "old", "new", 7)], fleet.Rollout.Shadow!.Changes);

        var extended = Started(Plan with { OnInconclusive = OnInconclusive.Extend });
        extended.Decisions = 0;
        Assert.IsType<RolloutEvent.Extended>(extended.LookFor(2 * Window));
        Assert.NotNull(extended.Rollout.Shadow);
    }

    [Fact]
    public void A_fleet_that_runs_the_bundle_in_part_has_nothing_left_to_be_shown()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 20));
        fleet.LookFor(Window * 2);
        fleet.LookFor(Window * 2);
        Assert.Equal(RolloutPhase.Complete, fleet.Rollout.Phase);
        fleet.State = null;

        var refused = Assert.Single(fleet.StartRollout(Plan).Problems);

        Assert.Equal((PlanProblems.ShadowOfSplit, "$.shadow"), (refused.Code, refused.Path));
    }

    [Fact]
    public void A_raised_epoch_goes_on_showing_it()
    {
        var fleet = Started(Plan);

        fleet.Do(new RolloutCommand.RaiseEpoch(Fleet.Author, "restored", fleet.Directive with { Epoch = 50 }));

        Assert.Equal((50L, true, -1), (fleet.Directive.Epoch, fleet.Directive.Shadow, fleet.Rollout.StageIndex));
    }

    // Time passes, watched by a control plane that wrote its heartbeat a second ago.
    private static void LookAfter(Fleet fleet, TimeSpan time)
    {
        fleet.Now += time;
        fleet.State = fleet.Rollout with { SeenAt = fleet.Now - TimeSpan.FromSeconds(1) };
        fleet.Look();
    }

    private static Fleet Started(RolloutPlan plan)
    {
        var fleet = new Fleet();
        Assert.True(fleet.StartRollout(plan).Succeeded);
        return fleet;
    }
}
