using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class OnDisarmTests
{
    private static readonly TimeSpan AMoment = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(OnDisarm.Rollback, 8, true)]
    [InlineData(OnDisarm.Rollback, 7, false)]
    [InlineData(OnDisarm.Hold, 8, false)]
    public void A_disarm_after_the_start_takes_it_back_where_the_plan_says_so(OnDisarm says, long armEpoch, bool goesBack)
    {
        var fleet = new Fleet();
        fleet.Directive = fleet.Directive with { ArmEpoch = 7 };
        fleet.StartRollout(Fleet.Plan(20, 100) with { OnDisarm = says });
        fleet.Disarm = Stopped(fleet, armEpoch);

        var e = fleet.LookFor(AMoment);

        Assert.Equal(goesBack, e is RolloutEvent.RolledBack);
        Assert.Equal(7, fleet.Rollout.ArmEpoch);
        if (goesBack)
        {
            Assert.Equal((RolloutReasons.Disarmed, 8.0, "olga disarmed fleets/f: fire"), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Sentence));
        }
    }

    [Fact]
    public void It_goes_back_from_paused_too()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(20, 100) with { OnDisarm = OnDisarm.Rollback });
        fleet.Do(new RolloutCommand.Pause(Fleet.Author, "look"));
        fleet.Disarm = Stopped(fleet, 1);

        Assert.IsType<RolloutEvent.RolledBack>(fleet.LookFor(AMoment));
    }

    private static ArmRow Stopped(Fleet fleet, long armEpoch) => new()
    {
        Scope = new ArmScope("t", "f"),
        Armed = false,
        ArmEpoch = armEpoch,
        Reason = "fire",
        By = new Actor("olga", "http"),
        At = fleet.Now,
    };
}
