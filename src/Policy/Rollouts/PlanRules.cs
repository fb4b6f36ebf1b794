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
            // Generated stages share one duration, which stands in one place.
            foreach (var stage in stages.Where(stage => stage.DurationHours < plan.ObservationWindowHours).DistinctBy(stage => stage.Path))
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
                PlanProblems.EndsBelow100, $"The plan ends at {last.Target} %: the fleet stays split.", last.TargetPath));
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

        // As doubles: the factor between two decimals need not be one. No division by a target of 0.
        var factor = targets[0] == 0 ? double.NaN : (double)targets[1] / (double)targets[0];
        if (!double.IsFinite(factor)
            || Enumerable.Range(2, targets.Length - 2).Any(i => !(Math.Abs(((double)targets[i] / (double)targets[i - 1]) - factor) <= Near(factor))))
        {
            fields.Fail(PlanProblems.NotExponential, field, $"exponential means equal factors; the targets are {string.Join(", ", targets)}.");
        }

        static double Near(double factor) => (double)Tolerance * Math.Max(1, factor);
    }
}
