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

    /// <summary>A percentile lies above the highest bound of the histogram, and so does what it is held against.</summary>
    public const string BeyondCode = "percentile.beyond";

    /// <summary>There are, and were, not enough decisions outside the cohort to compare with.</summary>
    public const string NoBaselineCode = "baseline.missing";

    /// <summary>The baseline is 0: no factor of it is a limit.</summary>
    public const string ZeroBaselineCode = "baseline.zero";

    /// <summary>The cohort's nodes see other traffic than the rest: more than twice as much each, or less than half.</summary>
    public const string RatioCode = "baseline.sample_ratio";

    /// <summary>It is worse than the baseline allows as measured, and that may be chance.</summary>
    public const string UndecidedCode = "baseline.undecided";

    /// <summary>Fewer decisions than <c>min_samples</c>.</summary>
    public const string FewCode = "samples.too_few";

    /// <summary>The newest sample is older than <c>freshness_sec</c>.</summary>
    public const string StaleCode = "samples.stale";

    /// <summary>
    /// The verdict over a window. Too few or stale samples are INCONCLUSIVE whatever they show; then one failed criterion is FAIL, one
    /// that cannot be told (a missing metric, a criterion for a person) INCONCLUSIVE, and only all of them together PASS.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="stage">The stage whose criteria are judged.</param>
    /// <param name="fleet">What was seen.</param>
    /// <param name="now">The time.</param>
    /// <param name="frozen">The baseline that was kept for when nobody is left outside the cohort.</param>
    /// <param name="attestations">What people said of criteria that no program can evaluate.</param>
    public static Verdict Judged(
        RolloutPlan plan, PlanStage stage, FleetObservation fleet, DateTimeOffset now, FrozenBaseline? frozen = null,
        ImmutableArray<Attestation> attestations = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(fleet);
        var samples = CriterionEvaluation.Measure(MetricWindow.Decisions, fleet.Cohort) ?? 0;
        var sight = new CriterionSight(fleet, JudgeTerms.Of(plan, frozen), IsTrigger: false);
        var results = stage.SuccessCriteria.Select(text => Result(text, sight, attestations.IsDefault ? [] : attestations)).ToImmutableArray();
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
            { Kind: VerdictKind.Fail, AttestedBy: { } by } failed => new Verdict(
                VerdictKind.Fail, FailCode, $"'{failed.Criterion}' is not met: {by} said so.", results, samples),
            { Kind: VerdictKind.Fail } failed => new Verdict(
                VerdictKind.Fail, FailCode, $"'{failed.Criterion}' does not hold: measured {Text(failed.Measured)}, limit {Text(failed.Limit)}.",
                results, samples),
            var unknown => new Verdict(
                VerdictKind.Inconclusive, unknown.Note ?? MissingCode, $"'{unknown.Criterion}' {Why(unknown, plan)}", results, samples),
        };
    }

    /// <summary>
    /// The trigger's result where it fires, else null. It looks at whatever was measured, be it one sample: <c>min_samples</c> guards what
    /// is called healthy, never the way back. A trigger that cannot be evaluated never fires; one that compares with the baseline fires on
    /// proof alone.
    /// </summary>
    public static CriterionResult? Fired(string trigger, FleetObservation fleet, JudgeTerms terms)
    {
        ArgumentNullException.ThrowIfNull(trigger);
        ArgumentNullException.ThrowIfNull(fleet);
        ArgumentNullException.ThrowIfNull(terms);
        return CriterionParser.Parse(trigger).Criterion is { } criterion
            && CriterionEvaluation.Of(criterion, new CriterionSight(fleet, terms, IsTrigger: true)) is { Holds: true } fired
            ? new CriterionResult(trigger, VerdictKind.Fail, fired.Measured, fired.Limit) { Baseline = fired.Baseline }
            : null;
    }

    internal static string Text(double? number) => number?.ToString("0.######", CultureInfo.InvariantCulture) ?? "nothing";

    private static CriterionResult Result(string text, in CriterionSight sight, ImmutableArray<Attestation> attestations)
    {
        if (CriterionParser.Parse(text).Criterion is not { } criterion)
        {
            return attestations.FirstOrDefault(said => said.Criterion == text) is { } attested
                ? new CriterionResult(text, attested.Met ? VerdictKind.Pass : VerdictKind.Fail, null, null) { AttestedBy = attested.By.Subject }
                : new CriterionResult(text, VerdictKind.Inconclusive, null, null, ManualCode);
        }

        var evaluation = CriterionEvaluation.Of(criterion, sight);
        var kind = evaluation.Holds switch { true => VerdictKind.Pass, false => VerdictKind.Fail, null => VerdictKind.Inconclusive };
        return new CriterionResult(
            text, kind, evaluation.Measured, evaluation.Limit, kind == VerdictKind.Inconclusive ? evaluation.Note : null)
        {
            Baseline = evaluation.Baseline,
        };
    }

    private static string Why(CriterionResult unknown, RolloutPlan plan) => unknown.Note switch
    {
        ManualCode => "is for a person, and nobody has attested it.",
        FewCode => $"cannot be told: what it looks at is less than {plan.MinSamples} decisions, or {BaselineComparison.ReportsMin} reports on one side.",
        BeyondCode => "cannot be told: it lies above the highest bucket that nodes report.",
        NoBaselineCode => $"cannot be told: there are not {plan.MinSamples} decisions outside the cohort to compare with, and were not before.",
        ZeroBaselineCode => "cannot be told: the nodes outside the cohort measured 0, and no factor of that is a limit.",
        RatioCode => "cannot be told: a node of the cohort sees more than twice, or less than half, the traffic of one outside it.",
        UndecidedCode => $"is not met as measured ({Text(unknown.Measured)}, limit {Text(unknown.Limit)}), and that may be chance so far.",
        var note => $"cannot be told: {QueryCodes.Describe(note) ?? "no node reported what it needs."}",
    };

    private static CriterionResult? Worst(ImmutableArray<CriterionResult> results) =>
        results.FirstOrDefault(result => result.Kind == VerdictKind.Fail) ?? results.FirstOrDefault(result => result.Kind != VerdictKind.Pass);
}
