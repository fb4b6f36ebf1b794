using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// The cohort against the nodes outside it, at the same time: means by their difference, percentiles by the share of the cohort that lies beyond
/// what the rest's percentile allows. Variances are told from what reports differ by, so observations of one report may go together.
/// </summary>
internal static class BaselineComparison
{
    /// <summary>Fewer reports than this on one side say nothing about what reports differ by.</summary>
    public const double ReportsMin = 10;

    /// <summary>
    /// How far a node of the cohort may see more or less traffic than one outside it before the two are not alike. Traffic is not dealt out
    /// to nodes at random, so chance alone is no measure: only what is both certain and gross counts.
    /// </summary>
    public const double RatioMax = 2;

    /// <summary>The other side measured at the same time.</summary>
    public const string Concurrent = "concurrent";

    /// <summary>The other side measured when there were last enough of it.</summary>
    public const string Frozen = "frozen";

    public static CriterionEvaluation Of(Criterion.Comparison comparison, in CriterionSight sight, bool provesTrue)
    {
        if (sight.Fleet.Compared is not { } compared || FindRest(compared, sight) is not var (rest, baseline))
        {
            return Unknown(comparison, Judge.NoBaselineCode);
        }

        if (!sight.IsTrigger && (CriterionEvaluation.Measure(MetricWindow.Decisions, compared.Cohort) ?? 0) < sight.Terms.MinSamples)
        {
            return Unknown(comparison, Judge.FewCode) with { Baseline = baseline };
        }

        if (!compared.Cohort.TryGetValue(comparison.Metric, out var cohort) || !rest.TryGetValue(comparison.Metric, out var others))
        {
            return Unknown(comparison, Judge.MissingCode) with { Baseline = baseline };
        }

        var difference = comparison.Percentile is { } percentile
            ? OfPercentile(cohort, others, percentile, comparison.Limit)
            : OfMeans(cohort, others, comparison.Limit);
        if (!double.IsFinite(difference.Measured ?? 0) || !double.IsFinite(difference.Limit ?? 0))
        {
            // Beyond the range of a double there is no number to judge by, nor one that could be written down.
            return Unknown(comparison, Judge.MissingCode) with { Baseline = baseline };
        }

        var evaluation = new CriterionEvaluation(null, comparison, difference.Measured, difference.Limit) { Note = difference.Note, Baseline = baseline };
        if (difference.Note is not null)
        {
            return evaluation;
        }

        if (!sight.IsTrigger && baseline == Concurrent && HasOtherTraffic(sight.Fleet.Nodes, compared))
        {
            return evaluation with { Note = Judge.RatioCode };
        }

        var meets = comparison.IsMetBy(difference.Measured!.Value, difference.Limit!.Value);
        var proven = Math.Abs(difference.Distance) > difference.Radius && difference.Distance < 0 == (meets == comparison.IsUpperLimit);
        return meets == provesTrue && !proven ? evaluation with { Note = Judge.UndecidedCode } : evaluation with { Holds = meets };
    }

    private static (ImmutableSortedDictionary<string, MetricTotal> Others, string Baseline)? FindRest(ComparedMetrics compared, in CriterionSight sight) =>
        compared.HasRest(sight.Terms, sight.Fleet.At) ? (compared.Rest, Concurrent)
        : compared.HasSamples(sight.Terms) ? (compared.Rest, Frozen)
        : sight.Terms.Frozen is { } frozen ? (frozen.Metrics, Frozen)
        : null;

    private static Difference OfMeans(MetricTotal cohort, MetricTotal rest, double factor)
    {
        var (mean, other) = (cohort.Sum / cohort.Count, rest.Sum / rest.Count);
        var limit = factor * other;
        if (other == 0)
        {
            return new Difference(mean, 0, Judge.ZeroBaselineCode);
        }

        if (cohort.Reports < ReportsMin || rest.Reports < ReportsMin || cohort.Variance is not { } ours || rest.Variance is not { } theirs)
        {
            return new Difference(mean, limit, Judge.FewCode);
        }

        // The larger of what each side shows by itself and what both show together: a side with a handful of events knows its own
        // variance least when it is luckiest.
        var pooled = ((ours * cohort.Count) + (theirs * rest.Count)) / (cohort.Count + rest.Count);
        var variance = Math.Max(
            (ours / cohort.Count) + (factor * factor * theirs / rest.Count),
            (pooled / cohort.Count) + (factor * factor * pooled / rest.Count));
        return new Difference(mean, limit, null)
        {
            Distance = mean - limit,
            Radius = SequentialTest.Radius(variance, Together(cohort.Count, rest.Count)),
        };
    }

    private static Difference OfPercentile(MetricTotal cohort, MetricTotal rest, double percentile, double factor)
    {
        if (Percentiles.Of(cohort, percentile) is not { } measured || Percentiles.Of(rest, percentile) is not { } other)
        {
            return new Difference(null, null, Judge.MissingCode);
        }

        var limit = factor * other.Value;
        if (other.IsBeyond)
        {
            return new Difference(measured.Value, null, Judge.BeyondCode);
        }

        if (other.Value == 0)
        {
            return new Difference(measured.Value, 0, Judge.ZeroBaselineCode);
        }

        if (Percentiles.Above(cohort, limit) is not { } above)
        {
            return new Difference(measured.Value, limit, Judge.BeyondCode);
        }

        var (count, others) = (Percentiles.Total(cohort), Percentiles.Total(rest));
        if (cohort.Reports < ReportsMin || rest.Reports < ReportsMin)
        {
            return new Difference(measured.Value, limit, Judge.FewCode);
        }

        var (share, expected) = (above / count, 1 - (percentile / 100));
        var pooled = (above + (expected * others)) / (count + others);
        var variance = Math.Max(
            (share * (1 - share) / count) + (expected * (1 - expected) / others), pooled * (1 - pooled) * ((1 / count) + (1 / others)));
        return new Difference(measured.IsBeyond ? Math.BitIncrement(Math.Max(measured.Value, limit)) : measured.Value, limit, null)
        {
            Distance = share - expected,
            Radius = SequentialTest.Radius(variance, Together(count, others)),
        };
    }

    private static bool HasOtherTraffic(NodeCounts nodes, ComparedMetrics compared)
    {
        var outside = nodes.Registered - nodes.Assigned;
        if (nodes.Assigned <= 0 || outside <= 0)
        {
            return false;
        }

        var (ours, theirs) = (compared.Cohort[MetricWindow.Decisions].Count, compared.Rest[MetricWindow.Decisions].Count);
        var (share, expected) = (ours / (ours + theirs), (double)nodes.Assigned / nodes.Registered);
        var ratio = ours / nodes.Assigned / (theirs / outside);
        return ratio is > RatioMax or < 1 / RatioMax
            && Math.Abs(share - expected) > SequentialTest.Radius(expected * (1 - expected) / (ours + theirs), ours + theirs);
    }

    // Two samples tell about their difference what one of this size tells about a mean.
    private static double Together(double one, double other) => one * other / (one + other);

    private static CriterionEvaluation Unknown(Criterion.Comparison comparison, string note) => new(null, comparison, null, null) { Note = note };

    private readonly record struct Difference(double? Measured, double? Limit, string? Note)
    {
        public double Distance { get; init; }

        public double Radius { get; init; }
    }
}
