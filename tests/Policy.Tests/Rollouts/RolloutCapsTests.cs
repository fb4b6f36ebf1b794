using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class RolloutCapsTests
{
    [Fact]
    public void Caps_hold_in_every_stage_but_the_last_which_is_the_whole_fleet()
    {
        var fleet = new Fleet(nodes: 100, domains: 4);
        fleet.StartRollout(Fleet.Plan(20, 60, 100) with { IncrementPolicy = IncrementPolicy.Linear, Caps = new PlanCaps(PerDomain: 7, MaxNodes: 24) });
        Assert.Equal((20, 5), Reached(fleet));

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal((24, 6), Reached(fleet));

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal((100, 25), Reached(fleet));
    }

    [Fact]
    public void The_cap_of_a_domain_holds_where_the_fleet_would_allow_more()
    {
        var fleet = new Fleet(nodes: 100, domains: 4);
        fleet.StartRollout(Fleet.Plan(25, 100) with { Caps = new PlanCaps(PerDomain: 3) });

        Assert.Equal((12, 3), Reached(fleet));
    }

    private static (int Nodes, int MostOfOneDomain) Reached(Fleet fleet)
    {
        var cohort = fleet.Nodes.Where(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V2).ToList();
        return (cohort.Count, cohort.CountBy(node => node.FailureDomain, StringComparer.Ordinal).Max(domain => domain.Value));
    }
}
