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

    [Fact]
    public void The_directive_says_what_the_caps_leave_to_those_who_join_a_group_until_no_cap_holds()
    {
        var fleet = new Fleet(nodes: 100, domains: 4);
        fleet.StartRollout(Fleet.Plan(20, 60, 100) with { Caps = new PlanCaps(PerDomain: 7) });
        Assert.Equal(new StageCaps(7, null, 100), fleet.Directive.Caps);

        fleet.Nodes.Add(fleet.Nodes[0] with { Node = "late", Registration = 101 });
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal(new StageCaps(7, null, 101), fleet.Directive.Caps);

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal((100m, null), (fleet.Directive.Percentage, fleet.Directive.Caps));
    }

    [Fact]
    public void Taken_back_or_complete_no_cap_is_left_and_in_a_split_they_hold_on()
    {
        var back = new Fleet();
        back.StartRollout(Fleet.Plan(20, 60) with { MaxBlastRadius = 60 });
        Assert.Equal(60, back.Directive.Caps!.MaxNodes);
        back.Do(new RolloutCommand.RollBack(Fleet.Author, "no", back.Directive));
        Assert.Null(back.Directive.Caps);

        var split = new Fleet();
        split.StartRollout(Fleet.Plan(20, 60) with { MaxBlastRadius = 60 });
        Assert.IsType<RolloutEvent.Advanced>(split.LookFor(TimeSpan.FromMinutes(2)));
        Assert.IsType<RolloutEvent.Completed>(split.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal(60, split.Directive.Caps!.MaxNodes);
    }

    [Fact]
    public void While_a_bundle_is_only_shown_nobody_who_joins_is_capped()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(20, 100) with { Shadow = true, Caps = new PlanCaps(MaxNodes: 30) });
        Assert.True(fleet.Directive is { Shadow: true, Caps: null });

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal(30, fleet.Directive.Caps!.MaxNodes);
    }

    private static (int Nodes, int MostOfOneDomain) Reached(Fleet fleet)
    {
        var cohort = fleet.Nodes.Where(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V2).ToList();
        return (cohort.Count, cohort.CountBy(node => node.FailureDomain, StringComparer.Ordinal).Max(domain => domain.Value));
    }
}
