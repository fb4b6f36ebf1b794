using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class RolloutLookTests
{
    private static readonly TimeSpan TwoMinutes = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void One_missing_node_is_tolerated_where_two_or_more_are_assigned(int missing, bool advances)
    {
        var fleet = Started(Fleet.Plan(20, 100));
        fleet.Unacked = missing;

        Assert.Equal(advances, fleet.LookFor(TwoMinutes) is RolloutEvent.Advanced);
        if (!advances)
        {
            Assert.Equal((RolloutReasons.NotAcked, 18.0, 20.0), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Limit));
        }
    }

    [Fact]
    public void A_single_assigned_node_must_ack()
    {
        var fleet = Started(Fleet.Plan(1, 100));
        fleet.Unacked = 1;

        Assert.Null(fleet.LookFor(TwoMinutes));
    }

    [Theory]
    [InlineData(90, 2, true)]
    [InlineData(90, 3, false)]
    public void Enough_nodes_are_the_plans_percentage_of_them(int percentage, int missing, bool advances)
    {
        var fleet = Started(Fleet.Plan(20, 100) with { MinAckedPercentage = percentage });
        fleet.Unacked = missing;

        Assert.Equal(advances, fleet.LookFor(TwoMinutes) is RolloutEvent.Advanced);
    }

    [Theory]
    [InlineData(3, 3, true)]
    [InlineData(3, 2, false)]
    [InlineData(1, 0, false)]
    [InlineData(0, 0, true)]
    public void Completing_needs_every_assigned_node_acked_or_fenced(int missing, int fenced, bool completes)
    {
        var fleet = Started(Fleet.Plan(5, 100));
        fleet.LookFor(TwoMinutes);
        (fleet.Unacked, fleet.Fenced) = (missing, fenced);

        Assert.Equal(completes, fleet.LookFor(TwoMinutes) is RolloutEvent.Completed);
    }

    [Fact]
    public void Nodes_that_never_settle_pause_the_last_stage()
    {
        var fleet = Started(Fleet.Plan(5, 100));
        fleet.LookFor(TwoMinutes);
        fleet.Unacked = 1;

        var paused = Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(5 * TwoMinutes));

        Assert.Equal(RolloutReasons.ThreeWindows, paused.Why.Code);
        Assert.Contains("99 of 100", paused.Why.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_manual_plan_needs_one_approval_for_each_stage_and_none_to_complete()
    {
        var fleet = Started(Fleet.Plan(5, 20, 100) with { IncrementPolicy = IncrementPolicy.Manual });
        for (var stage = 1; stage <= 2; stage++)
        {
            Assert.Null(fleet.LookFor(TwoMinutes));
            Assert.True(fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine")).Succeeded);
            Assert.Empty(fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine, again")).Value);
            Assert.Equal(stage, Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TwoMinutes)).StageIndex);
        }

        Assert.IsType<RolloutEvent.Completed>(fleet.LookFor(TwoMinutes));
    }

    [Fact]
    public void An_approval_given_early_waits_for_the_window()
    {
        var fleet = Started(Fleet.Plan(5, 20, 100) with { IncrementPolicy = IncrementPolicy.Manual });
        fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine"));

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TwoMinutes));
        Assert.Equal(Fleet.Start.AddMinutes(1), fleet.Now);
        Assert.Null(fleet.Rollout.ApprovedBy);
    }

    [Fact]
    public void An_approval_that_names_a_stage_counts_for_that_one_alone()
    {
        var fleet = Started(Fleet.Plan(5, 20, 100) with { IncrementPolicy = IncrementPolicy.Manual });
        Assert.IsType<RolloutEvent.Approved>(fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine", "stage-5")).Value.Single());
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TwoMinutes));

        // The same click, too late.
        var late = fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine", "stage-5")).Problems.Single();

        Assert.Equal((RolloutProblems.State, "$.stage_id"), (late.Code, late.Path));
        Assert.Contains("in stage stage-20", late.Message, StringComparison.Ordinal);
        Assert.Null(fleet.Rollout.ApprovedBy);
        Assert.IsType<RolloutEvent.Approved>(fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine", "stage-20")).Value.Single());
    }

    [Fact]
    public void A_pause_takes_an_approval_back()
    {
        var fleet = Started(Fleet.Plan(5, 20, 100) with { IncrementPolicy = IncrementPolicy.Manual });
        fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine"));
        fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"));
        fleet.Do(new RolloutCommand.Resume(Fleet.Author, "go on"));

        Assert.Null(fleet.LookFor(TwoMinutes));
        Assert.Equal(RolloutReasons.Approval, fleet.Rollout.Why.Code);
    }

    [Fact]
    public void A_key_the_author_made_does_not_approve()
    {
        var fleet = Started(Fleet.Plan(5, 20, 100) with { IncrementPolicy = IncrementPolicy.Manual });

        var outcome = fleet.Do(new RolloutCommand.Approve(Fleet.Approver with { Creators = ["ada"] }, "fine"));

        Assert.Equal(RolloutProblems.SamePerson, outcome.Problems.Single().Code);
    }

    [Fact]
    public void A_plan_that_is_not_manual_needs_no_approval() => Assert.Equal(
        RolloutProblems.ApprovalNotNeeded, Started(Fleet.Plan(5, 100)).Do(new RolloutCommand.Approve(Fleet.Approver, "fine")).Problems.Single().Code);

    [Fact]
    public void A_stage_is_entered_only_with_a_census()
    {
        var fleet = Started(Fleet.Plan(5, 100));
        fleet.LookFor(TimeSpan.FromSeconds(59));
        fleet.Now += TimeSpan.FromSeconds(1);

        Assert.Equal(RolloutReasons.Ready, Assert.IsType<RolloutEvent.Judged>(fleet.Look(false).Value.Single()).Why.Code);
        Assert.IsType<RolloutEvent.Advanced>(fleet.Look(true).Value.Single());
    }

    [Fact]
    public void What_was_seen_under_another_epoch_is_nothing()
    {
        var fleet = Started(Fleet.Plan(5, 100));
        fleet.ErrorRate = 1;

        foreach (var epoch in (long[])[1, 3])
        {
            var seen = fleet.See(true) with { Directive = fleet.Directive with { Epoch = epoch } };
            Assert.Empty(fleet.Do(new RolloutCommand.Observe(seen)).Value);
        }
    }

    [Fact]
    public void An_operator_with_an_old_directive_is_told_to_look_again()
    {
        var fleet = Started(Fleet.Plan(5, 100));

        var outcome = fleet.Do(new RolloutCommand.RollBack(Fleet.Author, "back", new Directive { Epoch = 1, Target = Fleet.V1 }));

        Assert.Equal(RolloutProblems.StaleDirective, outcome.Problems.Single().Code);
    }

    [Fact]
    public void A_trigger_says_what_was_measured()
    {
        var fleet = Started(Fleet.Plan(5, 100));
        fleet.ErrorRate = 0.0625;

        var back = Assert.IsType<RolloutEvent.RolledBack>(fleet.Look().Value.Single());

        Assert.Equal(
            (RolloutReasons.Trigger, "error_rate > 5%", 0.0625, 0.05), (back.Why.Code, back.Why.Criterion, back.Why.Measured, back.Why.Limit));
        Assert.Equal("The rollback trigger 'error_rate > 5%' fired: measured 0.0625, limit 0.05.", back.Why.Sentence);
        Assert.Equal(("control-plane", 0m), (back.By.Subject, fleet.Rollout.Percentage));
    }

    [Theory]
    [InlineData(50, false)]
    [InlineData(51, true)]
    public void Exactly_the_radius_is_not_exceeding_it(int onTarget, bool back)
    {
        var fleet = Started(Fleet.Plan(5, 50) with { MaxBlastRadius = 50 });
        fleet.OnTarget = onTarget;

        Assert.Equal(back, fleet.Look().Value.Single() is RolloutEvent.RolledBack { Why.Code: RolloutReasons.BlastRadius });
    }

    [Theory]
    [InlineData(0, 1, 0, null, true)]
    [InlineData(0, 0, 1, null, true)]
    [InlineData(2, 1, 1, null, false)]
    [InlineData(2, 2, 1, null, true)]
    [InlineData(null, 1, 1, 10.0, false)]
    [InlineData(null, 2, 1, 10.0, true)]
    [InlineData(null, 1, 0, 4.9, true)]
    public void Nacks_and_missing_answers_beyond_the_budget_roll_back(int? nodes, int nacked, int noAck, double? percentage, bool back)
    {
        var fleet = Started(Fleet.Plan(20, 100) with { NackBudget = new NackBudget(nodes, (decimal?)percentage) });
        (fleet.Nacked, fleet.NoAck) = (nacked, noAck);

        Assert.Equal(back, fleet.Look().Value.Single() is RolloutEvent.RolledBack { Why.Code: RolloutReasons.Nacks });
    }

    [Fact]
    public void A_nack_is_told_in_the_nodes_own_words()
    {
        var fleet = Started(Fleet.Plan(20, 100));
        fleet.Nacked = 1;

        Assert.Contains("node.no_ack", Back([]), StringComparison.Ordinal);
        Assert.Contains("node-7: bundle.unsigned: nobody signed it", Back([new NackedNode("node-7", "bundle.unsigned: nobody signed it")]), StringComparison.Ordinal);
        Assert.Contains("node-7: gave no reason", Back([new NackedNode("node-7", null)]), StringComparison.Ordinal);

        string Back(ImmutableArray<NackedNode> nacks) => Assert.IsType<RolloutEvent.RolledBack>(
            RolloutDecider.Decide(fleet.State, new RolloutCommand.Observe(fleet.See(false) with { Nacks = nacks }), fleet.Now).Value.Single()).Why.Sentence;
    }

    [Fact]
    public void A_frozen_rollout_that_is_resumed_is_judged_by_what_happens_then()
    {
        var fleet = Started(Fleet.Plan(5, 100) with { OnFail = OnFail.Freeze });
        fleet.ErrorRate = 0.02;
        var paused = Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(TwoMinutes));
        Assert.Equal((RolloutReasons.Frozen, "error_rate < 1%", 0.02, 0.01), (paused.Why.Code, paused.Why.Criterion, paused.Why.Measured, paused.Why.Limit));

        fleet.ErrorRate = 0;
        fleet.Do(new RolloutCommand.Resume(Fleet.Author, "fixed"));
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TwoMinutes));
    }

    [Theory]
    [InlineData(90.0, Judge.StaleCode, null, 60.0)]
    [InlineData(0.0, Judge.FewCode, 50.0, 100.0)]
    public void A_hold_names_the_number_and_the_limit(double age, string code, double? measured, double limit)
    {
        var fleet = Started(Fleet.Plan(5, 100));
        fleet.SampleAge = TimeSpan.FromSeconds(age);
        fleet.Decisions = age > 0 ? 1_000 : 50;

        Assert.Null(fleet.LookFor(TwoMinutes));

        Assert.Equal((code, measured, limit), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Limit));
        Assert.Equal(Fleet.Start.AddMinutes(1), fleet.Rollout.Why.Since);
    }

    [Fact]
    public void A_missing_metric_is_named_by_its_criterion()
    {
        var plan = Fleet.Plan(5, 100);
        var fleet = Started(plan with { Stages = [.. plan.Stages.Select(stage => stage with { SuccessCriteria = ["p99 < 200ms"] })] });

        fleet.LookFor(TwoMinutes);

        Assert.Equal((Judge.MissingCode, "p99 < 200ms", null), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Criterion, fleet.Rollout.Why.Measured));
    }

    [Fact]
    public void Nodes_that_join_get_the_target_with_the_next_census()
    {
        var fleet = Started(Fleet.Plan(5, 50, 100));
        fleet.Nodes.AddRange(new Fleet(200).Nodes.Skip(100).Select(node => node with { Registration = node.Registration + 1_000 }));
        Assert.Equal(5, fleet.Assigned);

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TwoMinutes));

        Assert.Equal((100, 200), (fleet.Assigned, fleet.Rollout.CensusNMax));
    }

    [Fact]
    public void A_fleet_that_shrinks_keeps_who_is_in_and_says_so()
    {
        var fleet = Started(Fleet.Plan(20, 25, 100));
        fleet.Nodes.RemoveAll(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V1 && node.Registration % 3 > 0);

        var advanced = Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TwoMinutes));

        Assert.Equal(CohortCut.ShrunkCode, Assert.Single(advanced.Warnings).Code);
        Assert.Equal((20, 100), (fleet.Assigned, fleet.Rollout.CensusNMax));
    }

    private static Fleet Started(RolloutPlan plan)
    {
        var fleet = new Fleet();
        Assert.True(fleet.StartRollout(plan).Succeeded);
        return fleet;
    }
}
