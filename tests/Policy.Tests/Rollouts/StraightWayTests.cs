using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class StraightWayTests
{
    [Fact]
    public void A_healthy_rollout_passes_every_stage_in_order_and_completes_at_rest()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 20, 50, 100));

        Assert.Equal(5, fleet.Assigned);
        foreach (var (index, nodes) in new[] { (1, 20), (2, 50), (3, 100) })
        {
            var advanced = Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromSeconds(70)));
            Assert.Equal((index, nodes, RolloutCodes.Advanced), (advanced.StageIndex, fleet.Assigned, advanced.Code));
        }

        var completed = Assert.IsType<RolloutEvent.Completed>(fleet.LookFor(TimeSpan.FromSeconds(70)));
        Assert.True(completed.NewDirective is { AtRest: true, Target: Fleet.V2, Epoch: 6 });
        Assert.Equal(RolloutPhase.Complete, fleet.Rollout.Phase);
        Assert.Equal(fleet.Events.Count, fleet.Rollout.Revision);
    }
}
