using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>What a criterion says of measured metrics, in three values: it holds, it does not, or that cannot be told.</summary>
/// <param name="Holds">Null: a metric it depends on is missing.</param>
/// <param name="Decisive">The comparison that made it so.</param>
/// <param name="Measured">What was measured for that comparison; null where the metric is missing.</param>
internal readonly record struct CriterionEvaluation(bool? Holds, Criterion.Comparison Decisive, double? Measured)
{
    /// <summary>Evaluates by Kleene's three-valued logic: what is missing decides nothing that the rest decides already.</summary>
    public static CriterionEvaluation Of(Criterion criterion, ImmutableSortedDictionary<string, MetricValue> metrics) => criterion switch
    {
        Criterion.Comparison comparison => Of(comparison, metrics),
        Criterion.All all => Join(all.Parts, metrics, decidedBy: false),
        Criterion.Any any => Join(any.Parts, metrics, decidedBy: true),
        Criterion.Not not => Of(not.Part, metrics) is var inner ? inner with { Holds = !inner.Holds } : default,
        _ => throw new InvariantViolationException($"{criterion.GetType().Name} is not one of the four kinds of criteria."),
    };

    /// <summary>The metric's value over the cohort: the mean of its observations; for <c>decisions</c>, how many there were.</summary>
    public static double? Measure(string metric, ImmutableSortedDictionary<string, MetricValue> metrics)
    {
        if (!metrics.TryGetValue(metric, out var value) || value.Count <= 0)
        {
            return null;
        }

        var measured = metric == MetricWindow.Decisions ? value.Count : value.Sum / value.Count;
        return double.IsFinite(measured) ? measured : null;
    }

    private static CriterionEvaluation Of(Criterion.Comparison comparison, ImmutableSortedDictionary<string, MetricValue> metrics)
    {
        var measured = Measure(comparison.Metric, metrics);
        return new CriterionEvaluation(measured is { } value ? comparison.IsMetBy(value) : null, comparison, measured);
    }

    private static CriterionEvaluation Join(
        ImmutableArray<Criterion> parts, ImmutableSortedDictionary<string, MetricValue> metrics, bool decidedBy)
    {
        CriterionEvaluation? unknown = null;
        var last = default(CriterionEvaluation);
        foreach (var part in parts)
        {
            last = Of(part, metrics);
            if (last.Holds == decidedBy)
            {
                return last;
            }

            unknown ??= last.Holds is null ? last : null;
        }

        return unknown ?? last;
    }
}
