using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>Tells what a window's metrics mean for a stage.</summary>
public static class Judge
{
    /// <summary>Every criterion held.</summary>
    public const string PassCode = "criteria.met";

    /// <summary>A criterion did not hold.</summary>
    public const string FailCode = "criterion.failed";

    /// <summary>A metric that a criterion needs was not reported.</summary>
    public const string MissingCode = "metric.missing";

    /// <summary>A criterion is for a person, and nobody has attested it.</summary>
    public const string ManualCode = "criterion.manual";

    /// <summary>Fewer decisions than <c>min_samples</c>.</summary>
    public const string FewCode = "samples.too_few";

    /// <summary>The newest sample is older than <c>freshness_sec</c>.</summary>
    public const string StaleCode = "samples.stale";

    /// <summary>
    /// The verdict over a window. Too few or stale samples are INCONCLUSIVE whatever they show; then one failed criterion is FAIL, one
    /// that cannot be told (a missing metric, a criterion for a person) INCONCLUSIVE, and only all of them together PASS.
    /// </summary>
    public static Verdict Judged(RolloutPlan plan, PlanStage stage, FleetObservation fleet, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(fleet);
        var samples = CriterionEvaluation.Measure(MetricWindow.Decisions, fleet.Cohort) ?? 0;
        var results = stage.SuccessCriteria.Select(text => Result(text, fleet.Cohort)).ToImmutableArray();
        if (samples < plan.MinSamples)
        {
            return new Verdict(
                VerdictKind.Inconclusive, FewCode, $"{Text(samples)} decisions in the window; {plan.MinSamples} are needed.", results, samples);
        }

        var age = fleet.NewestSampleAt is { } newest ? now - newest : TimeSpan.MaxValue;
        if (age.TotalSeconds > plan.FreshnessSec)
        {
            return new Verdict(
                VerdictKind.Inconclusive, StaleCode, $"The newest sample is older than {Text(plan.FreshnessSec)} s.", results, samples);
        }

        return Worst(results) switch
        {
            null => new Verdict(VerdictKind.Pass, PassCode, $"Every criterion held over {Text(samples)} decisions.", results, samples),
            { Kind: VerdictKind.Fail } failed => new Verdict(
                VerdictKind.Fail, FailCode, $"'{failed.Criterion}' does not hold: measured {Text(failed.Measured)}, limit {Text(failed.Limit)}.",
                results, samples),
            { Note: ManualCode } manual => new Verdict(
                VerdictKind.Inconclusive, ManualCode, $"'{manual.Criterion}' is for a person, and nobody has attested it.", results, samples),
            var missing => new Verdict(
                VerdictKind.Inconclusive, MissingCode, $"'{missing.Criterion}' cannot be told: no node reported what it needs.", results, samples),
        };
    }

    /// <summary>
    /// The trigger's result where it fires, else null. It looks at whatever was measured, be it one sample: <c>min_samples</c> guards what
    /// is called healthy, never the way back. A trigger that cannot be evaluated never fires.
    /// </summary>
    public static CriterionResult? Fired(string trigger, FleetObservation fleet)
    {
        ArgumentNullException.ThrowIfNull(fleet);
        return Fired(trigger, fleet.Cohort);
    }

    /// <summary>The same over the cohort's metrics.</summary>
    public static CriterionResult? Fired(string trigger, ImmutableSortedDictionary<string, MetricValue> cohort)
    {
        ArgumentNullException.ThrowIfNull(trigger);
        return CriterionParser.Parse(trigger).Criterion is { } criterion && CriterionEvaluation.Of(criterion, cohort) is { Holds: true } fired
            ? new CriterionResult(trigger, VerdictKind.Fail, fired.Measured, fired.Decisive.Limit)
            : null;
    }

    internal static string Text(double? number) => number?.ToString("0.######", CultureInfo.InvariantCulture) ?? "nothing";

    private static CriterionResult Result(string text, ImmutableSortedDictionary<string, MetricValue> metrics)
    {
        if (CriterionParser.Parse(text).Criterion is not { } criterion)
        {
            return new CriterionResult(text, VerdictKind.Inconclusive, null, null, ManualCode);
        }

        var evaluation = CriterionEvaluation.Of(criterion, metrics);
        var kind = evaluation.Holds switch { true => VerdictKind.Pass, false => VerdictKind.Fail, null => VerdictKind.Inconclusive };
        return new CriterionResult(
            text, kind, evaluation.Measured, evaluation.Decisive.Limit, kind == VerdictKind.Inconclusive ? MissingCode : null);
    }

    private static CriterionResult? Worst(ImmutableArray<CriterionResult> results) =>
        results.FirstOrDefault(result => result.Kind == VerdictKind.Fail) ?? results.FirstOrDefault(result => result.Kind != VerdictKind.Pass);
}
