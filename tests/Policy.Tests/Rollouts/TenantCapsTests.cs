using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>A tenant's caps refuse starts and bound stages; what is under way stays under way.</summary>
public sealed class TenantCapsTests
{
    [Fact]
    public void No_rollout_starts_while_as_many_are_in_flight_as_may_be_and_the_refusal_names_them()
    {
        var fleet = new Fleet { Restraints = Capped(rollouts: 2), InFlight = [InFlight("r7"), InFlight("r8", RolloutPhase.Paused)] };

        var refused = fleet.StartRollout(Fleet.Plan(5, 100)).Problems.Single();

        Assert.Equal(
            (RolloutProblems.TenantCap, "2 rollouts of the tenant are in flight, the limit is 2: r7 on edge (ACTIVE), r8 on edge (PAUSED)."),
            (refused.Code, refused.Message));
        fleet.InFlight = [InFlight("r8", RolloutPhase.Paused)];
        Assert.True(fleet.StartRollout(Fleet.Plan(5, 100)).Succeeded);
    }

    [Fact]
    public void A_refusal_names_the_oldest_ten_and_counts_the_rest()
    {
        var many = Enumerable.Range(0, 12).Reverse().Select(n => InFlight($"r{n}") with { StartedAt = Fleet.Start.AddMinutes(n) });

        var message = CapRules.Exceeded(Capped(rollouts: 2), [.. many])!.Message;

        Assert.Contains(": r0 on edge (ACTIVE), r1 on", message, StringComparison.Ordinal);
        Assert.EndsWith("r9 on edge (ACTIVE) and 2 more.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_cap_on_them_any_number_of_rollouts_may_be_in_flight()
    {
        Assert.Null(CapRules.Exceeded(Restraints.None, [InFlight("r7")]));
        Assert.Null(CapRules.Exceeded(Capped(nodes: 1), [InFlight("r7")]));
    }

    [Fact]
    public void A_cap_below_what_is_in_flight_halts_nothing_and_holds_no_way_back()
    {
        var fleet = Started();
        fleet.Restraints = Capped(rollouts: 1);
        fleet.InFlight = [InFlight("r7"), InFlight("r8")];
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.IsType<RolloutEvent.Completed>(fleet.LookFor(TimeSpan.FromMinutes(2)));

        var failing = Started();
        failing.Restraints = Capped(rollouts: 1);
        failing.ErrorRate = 0.06;
        failing.Now += TimeSpan.FromSeconds(1);
        Assert.IsType<RolloutEvent.RolledBack>(failing.Look().Value.Single());
    }

    [Theory]
    [InlineData(null, null, 25)]
    [InlineData(3, null, 12)]
    [InlineData(null, 4, 16)]
    [InlineData(3, 4, 12)]
    [InlineData(4, 3, 12)]
    public void Of_the_plans_cap_of_a_domain_and_the_tenants_the_stricter_holds(int? ofPlan, int? ofTenant, int assigned)
    {
        var fleet = new Fleet(nodes: 100, domains: 4) { Restraints = ofTenant is null ? Capped(rollouts: 5) : Capped(nodes: ofTenant) };

        fleet.StartRollout(Fleet.Plan(25, 100) with { Caps = ofPlan is null ? null : new PlanCaps(ofPlan) });

        Assert.Equal(assigned, fleet.Assigned);

        // Who joins a parity group is held to the same.
        Assert.Equal(assigned == 25 ? null : assigned / 4, fleet.Directive.Caps?.PerDomain);
    }

    [Fact]
    public void The_plans_cap_on_all_nodes_stays()
    {
        var caps = CapRules.Of(Fleet.Plan(25, 100) with { Caps = new PlanCaps(null, 7) }, Capped(nodes: 4));

        Assert.Equal(new PlanCaps(4, 7), caps);
    }

    [Fact]
    public void A_cap_that_is_lowered_takes_no_node_back_and_lets_none_in_until_the_whole_fleet_is()
    {
        var fleet = new Fleet(nodes: 100, domains: 4);
        fleet.StartRollout(Fleet.Plan(20, 50, 100));
        var held = Held(fleet);
        fleet.Restraints = Capped(nodes: 3);

        var advanced = Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));

        Assert.Equal(3, advanced.Directive.Caps!.PerDomain);
        Assert.Equal(20, held.Count);
        Assert.Equal(held, Held(fleet));
        Assert.Equal(Enumerable.Repeat(CohortCut.AboveCapCode, 4), advanced.Warnings.Select(warning => warning.Code));
        Assert.Equal("5 nodes of zone-a hold the target already; the cap is 3. They keep it, and no more get it.", advanced.Warnings[0].Message);
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal(100, fleet.Assigned);
    }

    [Fact]
    public void A_cap_that_is_raised_or_taken_away_counts_from_the_next_stage_on()
    {
        var fleet = new Fleet(nodes: 100, domains: 4) { Restraints = Capped(nodes: 3) };
        fleet.StartRollout(Fleet.Plan(20, 50, 100));
        Assert.Equal(12, fleet.Assigned);
        fleet.Restraints = Restraints.None;
        fleet.Now += TimeSpan.FromSeconds(1);
        fleet.Look();
        Assert.Equal(12, fleet.Assigned);

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));

        Assert.Equal(50, fleet.Assigned);
    }

    [Fact]
    public void A_check_counts_the_nodes_under_the_tenants_cap()
    {
        var context = new PlanContext { Census = new Fleet(100, 2).Census, Restraints = Capped(nodes: 2) };

        var reading = PlanReader.Read(PlanReaderTests.Json(PlanReaderTests.Valid, null), context);

        Assert.Equal([4, 100], reading.Stages.Select(stage => stage.Nodes!.Value));
    }

    [Fact]
    public void A_group_that_is_larger_than_the_tenants_cap_refuses_the_start()
    {
        var fleet = new Fleet(nodes: 100, domains: 1) { Restraints = Capped(nodes: 2) };
        fleet.Nodes.Add(new NodeRecord { Node = "x", Registration = 101, FailureDomain = "zone-a", RegisteredAt = Fleet.Start });
        var group = new CensusUnit("group:trio", "zone-a", 102, ImmutableSortedDictionary<string, int>.Empty.Add("zone-a", 3));

        var refused = RolloutDecider.Decide(
            null,
            new RolloutCommand.Start(
                "default", "r1", "edge", Fleet.V2, Fleet.Plan(5, 100), false, "because", Fleet.Author, 60, "00ff", fleet.Directive, fleet.Census.Add(group))
            {
                Restraints = fleet.Restraints,
            },
            fleet.Now);

        Assert.Equal(PlanProblems.GroupTooLarge, refused.Problems.Single().Code);
    }

    [Fact]
    public void Caps_are_at_least_one_and_one_of_them_is_said()
    {
        Assert.Equal(
            [(CapRules.InvalidCode, "$.max_concurrent_rollouts"), (CapRules.InvalidCode, "$.max_nodes_per_failure_domain")],
            CapRules.Set(Restraints.None, Caps(0, -1)).Problems.Select(problem => (problem.Code, problem.Path)));
        Assert.Equal((CapRules.InvalidCode, "$"), CapRules.Set(Restraints.None, Caps(null, null)).Problems.Select(problem => (problem.Code, problem.Path)).Single());
        Assert.Equal(Caps(1, 1), CapRules.Set(Restraints.None, Caps(1, 1)).Value!.Caps);
    }

    [Fact]
    public void Caps_replace_those_before_and_leave_the_line_and_the_windows_as_they_are()
    {
        var stopped = RestraintRules.Stop(Capped(rollouts: 2), Fleet.Author, "incident", Fleet.Start).Value!;

        var set = CapRules.Set(stopped, Caps(null, 9)).Value!;
        Assert.Equal((stopped.Line, Caps(null, 9)), (set.Line, set.Caps));
        var removed = CapRules.Remove(set).Value!;
        Assert.Equal(stopped.Line, removed.Line);
        Assert.Null(removed.Caps);
        Assert.Equal(CapRules.UnknownCode, CapRules.Remove(removed).Problems.Single().Code);
    }

    private static TenantCaps Caps(int? rollouts, int? nodes) => new(rollouts, nodes, "we are few", Fleet.Author, Fleet.Start);

    private static Restraints Capped(int? rollouts = null, int? nodes = null) => new() { Caps = Caps(rollouts, nodes) };

    private static RolloutState InFlight(string id, RolloutPhase phase = RolloutPhase.Active) => Started().Rollout with { RolloutId = id, Phase = phase };

    private static Fleet Started()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 100));
        return fleet;
    }

    private static List<string> Held(Fleet fleet) =>
        [.. fleet.Nodes.Where(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V2).Select(node => node.Node)];
}
