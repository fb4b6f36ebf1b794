using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>What is looked at, and by which terms.</summary>
/// <param name="Fleet">What was seen.</param>
/// <param name="Terms">What is demanded of samples.</param>
/// <param name="IsTrigger">
/// A success criterion fails only on proof and is met by what was measured; a trigger fires only on proof. And <c>min_samples</c> guards what is
/// called healthy, never the way back.
/// </param>
internal readonly record struct CriterionSight(FleetObservation Fleet, JudgeTerms Terms, bool IsTrigger);

/// <summary>What a criterion says of measured metrics, in three values: it holds, it does not, or that cannot be told.</summary>
/// <param name="Holds">Null: it cannot be told, and <see cref="Note"/> says why.</param>
/// <param name="Decisive">The comparison that made it so.</param>
/// <param name="Measured">What was measured for that comparison; null where that is missing.</param>
/// <param name="Limit">What it was held against; null where that is missing.</param>
internal readonly record struct CriterionEvaluation(bool? Holds, Criterion.Comparison Decisive, double? Measured, double? Limit)
{
    /// <summary>Why it cannot be told.</summary>
    public string? Note { get; init; }

    /// <summary>Which baseline it was held against; null: a number.</summary>
    public string? Baseline { get; init; }

    /// <summary>Evaluates by Kleene's three-valued logic: what is missing decides nothing that the rest decides already.</summary>
    public static CriterionEvaluation Of(Criterion criterion, in CriterionSight sight) => Of(criterion, sight, provesTrue: sight.IsTrigger);

    /// <summary>The metric's value over the cohort: the mean of its observations; for <c>decisions</c>, how many there were.</summary>
    public static double? Measure(string metric, ImmutableSortedDictionary<string, MetricTotal> metrics)
    {
        if (!metrics.TryGetValue(metric, out var value) || value.Count <= 0)
        {
            return null;
        }

        var measured = metric == MetricWindow.Decisions ? value.Count : value.Sum / value.Count;
        return double.IsFinite(measured) ? measured : null;
    }

    // Where a person asks for the opposite, the other truth needs the proof.
    private static CriterionEvaluation Of(Criterion criterion, in CriterionSight sight, bool provesTrue) => criterion switch
    {
        Criterion.Comparison { Baseline: true } comparison => BaselineComparison.Of(comparison, sight, provesTrue),
        Criterion.Comparison { Query: not null } comparison => OfQuery(comparison, sight),
        Criterion.Comparison comparison => Of(comparison, sight),
        Criterion.All all => Join(all.Parts, sight, provesTrue, decidedBy: false),
        Criterion.Any any => Join(any.Parts, sight, provesTrue, decidedBy: true),
        Criterion.Not not => Of(not.Part, sight, !provesTrue) is var inner ? inner with { Holds = !inner.Holds } : default,
        _ => throw new InvariantViolationException($"{criterion.GetType().Name} is not one of the four kinds of criteria."),
    };

    private static CriterionEvaluation Of(Criterion.Comparison comparison, in CriterionSight sight)
    {
        var metrics = comparison.Over is { } over
            ? sight.Fleet.LookBacks.FirstOrDefault(back => back.Over == over)?.Cohort ?? ImmutableSortedDictionary<string, MetricTotal>.Empty
            : sight.Fleet.Cohort;
        if (comparison.Over is not null && !sight.IsTrigger && (Measure(MetricWindow.Decisions, metrics) ?? 0) < sight.Terms.MinSamples)
        {
            return new CriterionEvaluation(null, comparison, null, comparison.Limit) { Note = Judge.FewCode };
        }

        if (comparison.Percentile is { } percentile)
        {
            return OfPercentile(comparison, metrics.TryGetValue(comparison.Metric, out var total) ? Percentiles.Of(total, percentile) : null);
        }

        return Measure(comparison.Metric, metrics) is { } value
            ? new CriterionEvaluation(comparison.IsMetBy(value), comparison, value, comparison.Limit)
            : Missing(comparison);
    }

    // Above the highest bound all that is known is that it is more: enough where the limit is not.
    private static CriterionEvaluation OfPercentile(Criterion.Comparison comparison, (double Value, bool IsBeyond)? measured) => measured switch
    {
        null => Missing(comparison),
        ({ } value, false) => new CriterionEvaluation(comparison.IsMetBy(value), comparison, value, comparison.Limit),
        ({ } bound, true) when comparison.Limit <= bound => new CriterionEvaluation(
            comparison.IsMetBy(double.PositiveInfinity), comparison, bound, comparison.Limit),
        ({ } bound, true) => new CriterionEvaluation(null, comparison, bound, comparison.Limit) { Note = Judge.BeyondCode },
    };

    // A number that is missing decides nothing, for a trigger neither.
    private static CriterionEvaluation OfQuery(Criterion.Comparison comparison, in CriterionSight sight)
    {
        var queried = sight.Fleet.Queried.GetValueOrDefault(comparison.Metric) ?? QueriedMetric.Without(QueryCodes.Unavailable);
        return queried.NumberAt(sight.Fleet.At, sight.Terms.FreshnessSec) is { } value
            ? new CriterionEvaluation(comparison.IsMetBy(value), comparison, value, comparison.Limit)
            : new CriterionEvaluation(null, comparison, null, comparison.Limit) { Note = queried.Code ?? QueryCodes.Stale };
    }

    private static CriterionEvaluation Missing(Criterion.Comparison comparison) =>
        new(null, comparison, null, comparison.Limit) { Note = Judge.MissingCode };

    private static CriterionEvaluation Join(ImmutableArray<Criterion> parts, in CriterionSight sight, bool provesTrue, bool decidedBy)
    {
        CriterionEvaluation? unknown = null;
        var last = default(CriterionEvaluation);
        foreach (var part in parts)
        {
            last = Of(part, sight, provesTrue);
            if (last.Holds == decidedBy)
            {
                return last;
            }

            unknown ??= last.Holds is null ? last : null;
        }

        return unknown ?? last;
    }
}
