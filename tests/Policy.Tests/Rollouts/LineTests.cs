using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>A stopped line holds what goes forward and nothing else.</summary>
public sealed class LineTests
{
    private static readonly LineStop Stop = new(Fleet.Approver, "incident 7", Fleet.Start);

    [Fact]
    public void Nothing_starts_while_the_line_is_stopped()
    {
        var fleet = new Fleet { Restraints = new Restraints { Line = Stop } };

        var refused = fleet.StartRollout(Fleet.Plan(5, 100)).Problems.Single();

        Assert.Equal((RolloutReasons.LineStopped, "The line is stopped: grace: incident 7"), (refused.Code, refused.Message));
    }

    [Fact]
    public void A_stage_stands_still_for_as_long_as_the_line_is_stopped_and_goes_on_when_it_is_released()
    {
        var fleet = Started();
        fleet.Restraints = new Restraints { Line = Stop };

        Assert.Null(fleet.LookFor(TimeSpan.FromMinutes(10)));

        var why = fleet.Rollout.Why;
        Assert.Equal((RolloutReasons.LineStopped, Stop.At), (why.Code, why.Since));
        Assert.Contains("grace: incident 7", why.Sentence, StringComparison.Ordinal);
        Assert.True(fleet.Rollout.Healthy);
        fleet.Restraints = Restraints.None;
        fleet.Now += TimeSpan.FromSeconds(1);
        Assert.IsType<RolloutEvent.Advanced>(fleet.Look().Value.Single());
    }

    [Fact]
    public void The_last_stage_does_not_complete_while_the_line_is_stopped()
    {
        var fleet = Started();
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        fleet.Restraints = new Restraints { Line = Stop };

        Assert.Null(fleet.LookFor(TimeSpan.FromMinutes(2)));
        fleet.Restraints = Restraints.None;
        Assert.IsType<RolloutEvent.Completed>(fleet.LookFor(TimeSpan.FromMinutes(2)));
    }

    [Fact]
    public void A_stop_is_the_reason_at_once_and_of_every_stop_its_own()
    {
        var fleet = Started();
        fleet.Now += TimeSpan.FromSeconds(1);
        fleet.Restraints = new Restraints { Line = Stop };
        fleet.Look();
        Assert.Equal((RolloutReasons.LineStopped, Stop.At), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Since));

        fleet.Now += TimeSpan.FromMilliseconds(100);
        Assert.Empty(fleet.Look().Value);
        fleet.Restraints = new Restraints { Line = Stop with { Reason = "incident 8", At = fleet.Now } };
        fleet.Look();

        Assert.Contains("incident 8", fleet.Rollout.Why.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_is_the_reason_where_nobody_could_look_either()
    {
        var fleet = Started();
        fleet.Now += TimeSpan.FromMinutes(5);
        fleet.Restraints = new Restraints { Line = Stop };

        var judged = Assert.IsType<RolloutEvent.Judged>(fleet.Look().Value.Single());

        Assert.True(judged.Unobserved > TimeSpan.Zero);
        Assert.Equal(RolloutReasons.LineStopped, judged.Why.Code);
    }

    [Fact]
    public void What_fails_while_the_line_is_stopped_goes_back_or_pauses_as_ever()
    {
        var fleet = Started();
        fleet.Restraints = new Restraints { Line = Stop };
        fleet.ErrorRate = 0.06;
        fleet.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(RolloutReasons.Trigger, Assert.IsType<RolloutEvent.RolledBack>(fleet.Look().Value.Single()).Why.Code);

        var silent = Started();
        silent.Restraints = new Restraints { Line = Stop };
        silent.Decisions = 0;
        var paused = Assert.IsType<RolloutEvent.Paused>(silent.LookFor(TimeSpan.FromMinutes(4)));
        Assert.Equal(RolloutReasons.ThreeWindows, paused.Why.Code);
        Assert.DoesNotContain("line", paused.Why.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_line_is_stopped_once_and_released_once()
    {
        var stopped = RestraintRules.Stop(Restraints.None, Fleet.Author, "incident 7", Fleet.Start);
        Assert.Equal(new LineStop(Fleet.Author, "incident 7", Fleet.Start), stopped.Value!.Line);

        var again = RestraintRules.Stop(stopped.Value, Fleet.Approver, "me too", Fleet.Start).Problems.Single();
        Assert.Equal((RestraintRules.LineStateCode, "The line is stopped already: ada: incident 7"), (again.Code, again.Message));

        var released = RestraintRules.Release(stopped.Value);
        Assert.Null(released.Value!.Line);
        Assert.Equal(RestraintRules.LineStateCode, RestraintRules.Release(released.Value).Problems.Single().Code);
    }

    private static Fleet Started()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 100));
        return fleet;
    }
}
