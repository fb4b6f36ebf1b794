using System.Text.Json;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class RolloutBaselineTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    [Fact]
    public void The_baseline_is_kept_while_there_is_one_and_used_where_nobody_is_left()
    {
        var fleet = Started("error_rate vs baseline * 2");
        (fleet.Decisions, fleet.RestDecisions) = (250, 2_000);
        Assert.IsType<RolloutEvent.Judged>(LookAfter(fleet, Window / 2));
        Assert.Equal("concurrent", fleet.Rollout.Verdict!.Criteria.Single().Baseline);
        Assert.Equal(fleet.Now, fleet.Rollout.Baseline!.At);

        Assert.IsType<RolloutEvent.Advanced>(LookAfter(fleet, Window / 2));
        var kept = fleet.Rollout.Baseline!;
        Assert.Equal((fleet.Now, 2_000), (kept.At, kept.Metrics["decisions"].Count));
        Assert.Equal(["decisions", "error_rate"], kept.Metrics.Keys);

        // The whole fleet runs the target now: nobody is left to compare with.
        fleet.RestDecisions = 0;
        Assert.IsType<RolloutEvent.Judged>(LookAfter(fleet, Window / 2));
        var result = fleet.Rollout.Verdict!.Criteria.Single();
        Assert.Equal((VerdictKind.Pass, "frozen"), (result.Kind, result.Baseline));
        Assert.Same(kept, fleet.Rollout.Baseline);

        var stored = JsonSerializer.Deserialize<RolloutState>(JsonSerializer.Serialize(fleet.Rollout, PolicyJson.Options), PolicyJson.Options)!;
        Assert.Equal((2_000, 2, 100), (stored.Baseline!.Metrics["error_rate"].Count, stored.Baseline.Metrics["error_rate"].Sum, stored.Baseline.Metrics["error_rate"].Reports));
    }

    [Fact]
    public void Without_a_baseline_ever_it_holds_and_says_why()
    {
        var fleet = Started("error_rate vs baseline * 2");
        fleet.RestDecisions = 99;

        LookAfter(fleet, Window);

        Assert.Equal((Judge.NoBaselineCode, "error_rate vs baseline * 2"), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Criterion));
        Assert.Null(fleet.Rollout.Baseline);
    }

    [Fact]
    public void A_worse_cohort_fails_with_both_numbers()
    {
        var fleet = Started("error_rate vs baseline * 2");
        (fleet.Decisions, fleet.RestDecisions, fleet.ErrorRate) = (500, 2_000, 0.04);

        LookAfter(fleet, Window / 2);

        Assert.Equal((Judge.FailCode, 0.04, 0.002), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Limit));
    }

    [Fact]
    public void A_look_asks_for_what_its_criteria_and_its_trigger_look_at()
    {
        var fleet = Started("error_rate < 1% over 15m and p99(x) < 5 over 2h", "error_rate > 5% over 15m or error_rate > vs baseline * 3");
        var state = fleet.Rollout;

        // An hour of the contract lasts a minute here.
        var watch = RolloutDecider.Watch(state, null, fleet.Now.AddSeconds(50));
        Assert.Equal(
            [new LookBack(TimeSpan.FromMinutes(15), fleet.Now.AddSeconds(35)), new LookBack(TimeSpan.FromHours(2), fleet.Now)], watch.LookBacks.AsEnumerable());
        Assert.Equal((fleet.Now, new JudgeTerms(100, 60)), (watch.CompareFrom, watch.Terms));

        var plain = RolloutDecider.Watch(Started("error_rate < 1%").Rollout, null, fleet.Now);
        Assert.True(plain.LookBacks.IsEmpty && plain.CompareFrom is null);
        var ended = RolloutDecider.Watch(state with { Phase = RolloutPhase.Complete }, null, fleet.Now);
        Assert.True(ended.LookBacks.IsEmpty && ended.Terms is null && ended.Trigger is null);

        // A clock that steps back looks back from where it was.
        Assert.Equal(fleet.Now.AddSeconds(-15 + 30), RolloutDecider.Watch(state with { SeenAt = fleet.Now.AddSeconds(30) }, null, fleet.Now).LookBacks[0].From);
    }

    private static Fleet Started(string criterion, string trigger = "error_rate > 5%")
    {
        var fleet = new Fleet();
        var plan = Fleet.Plan(20, 100);
        fleet.StartRollout(plan with
        {
            IncrementPolicy = IncrementPolicy.Linear,
            Stages = [.. plan.Stages.Select(stage => stage with { SuccessCriteria = [criterion], RollbackTrigger = trigger })],
        });
        return fleet;
    }

    private static RolloutEvent LookAfter(Fleet fleet, TimeSpan time)
    {
        fleet.Now += time;
        fleet.State = fleet.Rollout with { SeenAt = fleet.Now - TimeSpan.FromSeconds(1) };
        fleet.Look();
        return fleet.Events[^1];
    }
}
