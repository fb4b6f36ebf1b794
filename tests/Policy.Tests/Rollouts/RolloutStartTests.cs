using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class RolloutStartTests
{
    [Fact]
    public void A_start_cuts_the_fleet_and_keeps_the_running_bundle_as_fallback()
    {
        var fleet = new Fleet();
        fleet.Directive = fleet.Directive with { ArmEpoch = 7 };

        var started = Assert.IsType<RolloutEvent.Started>(fleet.StartRollout(Fleet.Plan(5, 100)).Value.Single());

        Assert.Equal(
            (2L, 7L, Fleet.V2, Fleet.V1, 5m, 100, "00ff"),
            (started.Directive.Epoch, started.Directive.ArmEpoch, started.Directive.Target, started.Directive.Fallback, started.Directive.Percentage,
                started.Directive.CensusN, started.Directive.Salt));
        Assert.Equal(["zone-a", "zone-b"], started.Directive.Cuts.Keys);
        Assert.Equal(5, fleet.Assigned);
        Assert.Equal((RolloutPhase.Active, 1L, 2L, 0, 100), (fleet.Rollout.Phase, fleet.Rollout.Revision, fleet.Rollout.Epoch, fleet.Rollout.StageIndex, fleet.Rollout.CensusNMax));
        Assert.Equal(RolloutReasons.Window, fleet.Rollout.Why.Code);
    }

    [Fact]
    public void A_fleet_without_a_bundle_needs_a_baseline_first()
    {
        var fleet = new Fleet { Directive = new Directive { Epoch = 0 } };

        Assert.Equal(RolloutProblems.NoFallback, fleet.StartRollout(Fleet.Plan(5, 100)).Problems.Single().Code);
    }

    [Fact]
    public void The_bundle_that_the_whole_fleet_runs_is_not_rolled_out()
    {
        var fleet = new Fleet { Directive = new Directive { Epoch = 1, Target = Fleet.V2 } };

        Assert.Equal(RolloutProblems.AlreadyRunning, fleet.StartRollout(Fleet.Plan(5, 100)).Problems.Single().Code);
    }

    [Fact]
    public void A_fleet_too_small_is_refused_at_the_start_too() => Assert.Equal(
        PlanProblems.FleetTooSmall, new Fleet(19).StartRollout(Fleet.Plan(5, 100)).Problems.Single().Code);

    [Fact]
    public void A_first_stage_that_no_group_fits_into_is_refused()
    {
        // The shares fit every group's size, but the caps of the second domain stop the one group that reaches into it.
        var fleet = new Fleet(0);
        var census = Enumerable.Range(1, 10).Select(i => new CensusUnit(
            $"group:g{i}", "a", i, ImmutableSortedDictionary<string, int>.Empty.Add("b", 1).Add("c", 1))).ToImmutableArray();
        var plan = Fleet.Plan(10, 100);
        var command = new RolloutCommand.Start(
            "default", "r1", "edge", Fleet.V2, plan with { Caps = new PlanCaps(null, 1) }, false, "because", Fleet.Author, 60, "00", fleet.Directive, census);

        Assert.Equal(PlanProblems.GroupTooLarge, fleet.Do(command).Problems[0].Code);
    }

    [Fact]
    public void A_split_in_which_everybody_joined_later_below_the_cut_reaches_nobody_and_is_refused()
    {
        var fleet = new Fleet(40, 1);
        fleet.Directive = new Directive
        {
            Epoch = 5,
            Target = Fleet.V2,
            Fallback = Fleet.V1,
            Salt = "00ff",
            Percentage = 5,
            CensusN = 100,
            Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty.Add("zone-a", new DomainCut(new string('f', 64), 0)),
        };

        var problem = fleet.StartRollout(Fleet.Plan(5, 100)).Problems.Single();

        Assert.Equal((PlanProblems.FleetTooSmall, "$.wedge_stages[0]"), (problem.Code, problem.Path));
    }

    [Fact]
    public void An_initial_percentage_is_one_passing_window_before_the_first_target()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(20, 100) with { InitialPercentage = 2, IncrementPolicy = IncrementPolicy.Manual, Stages = Stages(3) });
        Assert.Equal((2, true, 2m), (fleet.Assigned, fleet.Rollout.AtInitialPercentage, fleet.Rollout.Percentage));

        var step = Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));

        Assert.Equal((0, 20m, null), (step.StageIndex, step.Percentage, step.Code));
        Assert.Equal(Fleet.Start.AddMinutes(1), fleet.Now);
        Assert.Equal((20, false, Fleet.Start.AddMinutes(1)), (fleet.Assigned, fleet.Rollout.AtInitialPercentage, fleet.Rollout.StageStartedAt));
        fleet.LookFor(TimeSpan.FromMinutes(5));
        Assert.Equal((0, RolloutReasons.Approval), (fleet.Rollout.StageIndex, fleet.Rollout.Why.Code));
        Assert.Equal(Fleet.Start.AddMinutes(4), fleet.Rollout.Why.Since);

        static ImmutableArray<PlanStage> Stages(double hours) => [.. Fleet.Plan(20, 100).Stages.Select(stage => stage with { DurationHours = hours })];
    }

    [Fact]
    public void A_plan_below_100_percent_leaves_the_fleet_split_and_the_same_bundle_goes_on_from_there()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 20));
        fleet.LookFor(TimeSpan.FromMinutes(2));
        var completed = Assert.IsType<RolloutEvent.Completed>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Null(completed.NewDirective);
        Assert.Equal((RolloutPhase.Complete, RolloutReasons.CompleteSplit, 3L), (fleet.Rollout.Phase, fleet.Rollout.Why.Code, fleet.Rollout.Epoch));
        var held = fleet.Nodes.Where(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V2).ToArray();

        // Another bundle is refused, a radius below what is in place too.
        fleet.State = null;
        var other = new RolloutCommand.Start(
            "default", "r2", "edge", new string('3', 64), Fleet.Plan(5, 100), false, "because", Fleet.Author, 60, "aa", fleet.Directive, fleet.Census);
        Assert.Equal(RolloutProblems.FleetSplit, fleet.Do(other).Problems.Single().Code);
        Assert.Equal(
            PlanProblems.RadiusBelowSplit, fleet.StartRollout(Fleet.Plan(5, 10) with { MaxBlastRadius = 10 }).Problems.Single().Code);

        // A stage below what is in place moves nobody, and must pass.
        Assert.True(fleet.StartRollout(Fleet.Plan(10, 50)).Succeeded);
        Assert.Equal((20, "00ff", Fleet.V1, 20m), (fleet.Assigned, fleet.Directive.Salt, fleet.Directive.Fallback, fleet.Directive.Percentage));
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal(50, fleet.Assigned);
        Assert.All(held, node => Assert.Equal(Fleet.V2, Cohorts.AssignedHash(fleet.Directive, node)));
    }

    [Fact]
    public void A_first_bundle_is_in_force_at_once()
    {
        var fleet = new Fleet { Directive = new Directive { Epoch = 0 } };

        fleet.Do(new RolloutCommand.SetBaseline("default", "b1", "edge", Fleet.V1, "first", Fleet.Author, 3600, "00", fleet.Directive, 100));

        Assert.True(fleet.Directive is { Epoch: 1, Target: Fleet.V1, AtRest: true, Percentage: 100 });
        Assert.Equal(
            (RolloutKind.Baseline, RolloutPhase.Complete, RolloutReasons.Baseline, (DateTimeOffset?)Fleet.Start),
            (fleet.Rollout.Kind, fleet.Rollout.Phase, fleet.Rollout.Why.Code, fleet.Rollout.EndedAt));
        Assert.Equal(RolloutProblems.State, fleet.Do(new RolloutCommand.RollBack(Fleet.Author, "back", fleet.Directive)).Problems.Single().Code);
    }

    [Fact]
    public void A_fleet_with_a_bundle_gets_no_baseline() => Assert.Equal(
        RolloutProblems.HasBaseline,
        new Fleet().Do(new RolloutCommand.SetBaseline("default", "b1", "edge", Fleet.V2, "first", Fleet.Author, 3600, "00", new Fleet().Directive, 100))
            .Problems.Single().Code);

    [Fact]
    public void A_disarmed_fleet_at_rest_gets_another_bundle_at_once_and_knows_what_it_ran_before()
    {
        var fleet = new Fleet();

        fleet.Do(Replace(Fleet.V2, fleet.Directive));

        Assert.True(fleet.Directive is { Epoch: 2, Target: Fleet.V2, Fallback: null, AtRest: true, Percentage: 100 });
        Assert.Equal((RolloutKind.Baseline, RolloutPhase.Complete, Fleet.V1), (fleet.Rollout.Kind, fleet.Rollout.Phase, fleet.Rollout.Fallback));
    }

    [Fact]
    public void A_disarmed_fleet_that_is_split_or_runs_it_already_does_not()
    {
        var split = new Directive { Epoch = 3, Target = Fleet.V1, Fallback = Fleet.V0, Percentage = 50 };

        Assert.Equal(RolloutProblems.FleetSplit, new Fleet().Do(Replace(Fleet.V2, split)).Problems.Single().Code);
        Assert.Equal(RolloutProblems.AlreadyRunning, new Fleet().Do(Replace(Fleet.V1, new Fleet().Directive)).Problems.Single().Code);
    }

    private static RolloutCommand.SetBaseline Replace(string target, Directive current) =>
        new("default", "b2", "edge", target, "all at once", Fleet.Author, 3600, "00", current, 100) { IsDisarmed = true };

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(86_401)]
    [InlineData(double.NaN)]
    public void A_contract_hour_that_makes_no_sense_stops_everything(double hourSeconds) =>
        Assert.Throws<InvariantViolationException>(() => new Fleet().StartRollout(Fleet.Plan(5, 100), hourSeconds));
}
