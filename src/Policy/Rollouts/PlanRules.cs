using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>What the fields of a plan must be to each other.</summary>
internal static class PlanRules
{
    // Targets are written by people as decimals; a third or a root of something is as near as they can write it.
    private const decimal Tolerance = 1e-9m;

    public static void Check(
        PlanObject fields, RolloutPlan plan, ImmutableArray<StageDraft> stages, bool critical, ImmutableArray<Problem>.Builder warnings)
    {
        CheckInitial(fields, plan, stages, critical);
        CheckRadius(fields, stages);
        CheckIncrements(fields, plan.IncrementPolicy, stages);
        if (plan.ObservationWindowHours > 0)
        {
            foreach (var stage in stages.Where(stage => stage.DurationHours < plan.ObservationWindowHours))
            {
                warnings.Add(new Problem(
                    PlanProblems.DurationBelowWindow,
                    $"{stage.DurationHours} h are below the observation window of {plan.ObservationWindowHours} h: the window decides.",
                    stage.Path + ".duration_hours"));
            }
        }

        if (stages.LastOrDefault() is { Target: < 100 } last)
        {
            warnings.Add(new Problem(
                PlanProblems.EndsBelow100, $"The plan ends at {last.Target} %: the fleet stays split.", last.Path + ".target_percentage"));
        }
    }

    private static void CheckInitial(PlanObject fields, RolloutPlan plan, ImmutableArray<StageDraft> stages, bool critical)
    {
        const string field = "initial_percentage";
        if (critical && plan.InitialPercentage > 10)
        {
            fields.Fail(PlanProblems.InitialCritical, field, $"For a critical subsystem it is at most 10 %, not {plan.InitialPercentage} %.");
        }

        if (stages.FirstOrDefault()?.Target is { } first && plan.InitialPercentage > first)
        {
            fields.Fail(PlanProblems.InitialAboveTarget, field, $"{plan.InitialPercentage} % is above the first stage's {first} %.");
        }
    }

    // Also where the radius itself is out of its range: both are wrong then, and both are said.
    private static void CheckRadius(PlanObject fields, ImmutableArray<StageDraft> stages)
    {
        const string field = "max_blast_radius";
        var widest = stages.Max(stage => stage.Target);
        if (fields.Optional(field) is { } value && PlanObject.Number(value) is { } radius && radius < widest)
        {
            fields.Fail(PlanProblems.RadiusBelowTarget, field, $"{radius} % is below the {widest} % that a stage reaches.");
        }
    }

    private static void CheckIncrements(PlanObject fields, IncrementPolicy policy, ImmutableArray<StageDraft> stages)
    {
        var targets = stages.Select(stage => stage.Target).OfType<decimal>().ToArray();
        if (policy == IncrementPolicy.Manual || targets.Length < 3 || targets.Length < stages.Length)
        {
            return;
        }

        const string field = "increment_policy";
        if (policy == IncrementPolicy.Linear)
        {
            var step = targets[1] - targets[0];
            if (Enumerable.Range(2, targets.Length - 2).Any(i => Math.Abs(targets[i] - targets[i - 1] - step) > Tolerance))
            {
                fields.Fail(PlanProblems.NotLinear, field, $"linear means equal steps; the targets are {string.Join(", ", targets)}.");
            }

            return;
        }

        // a/b = b/c as a*c = b*b, held against the tolerance where the factor itself would be: no division by a target of 0.
        var factor = targets[0] == 0 ? null : targets[1] / (decimal?)targets[0];
        if (factor is not { } by
            || Enumerable.Range(2, targets.Length - 2).Any(i => targets[i - 1] == 0 || Math.Abs((targets[i] / targets[i - 1]) - by) > Tolerance))
        {
            fields.Fail(PlanProblems.NotExponential, field, $"exponential means equal factors; the targets are {string.Join(", ", targets)}.");
        }
    }
}
