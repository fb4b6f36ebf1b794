using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>Percentiles of a histogram, and the shares beyond a value: observations are taken as evenly spread within their bucket.</summary>
internal static class Percentiles
{
    /// <summary>
    /// A percentile; null: there is no histogram. Where it lies above the highest bound all that is known is that it does:
    /// <c>IsBeyond</c>, and that bound.
    /// </summary>
    public static (double Value, bool IsBeyond)? Of(MetricTotal metric, double percentile)
    {
        var buckets = metric.Buckets;
        if (buckets.IsEmpty)
        {
            return null;
        }

        var rank = percentile / 100 * Total(metric);
        var below = 0.0;
        for (var i = 0; i < buckets.Length; i++)
        {
            var (bound, upTo) = buckets[i];
            if (upTo >= rank && upTo > below)
            {
                var lower = LowerBound(buckets, i);

                // The share first: a count times a bound may be beyond all numbers.
                return (lower + ((bound - lower) * ((rank - below) / (upTo - below))), false);
            }

            below = upTo;
        }

        return (buckets[^1].UpperBound, true);
    }

    /// <summary>How many observations lie above a value; null where it is above the highest bound, beyond which nothing is told apart.</summary>
    public static double? Above(MetricTotal metric, double value)
    {
        var buckets = metric.Buckets;
        var below = 0.0;
        for (var i = 0; i < buckets.Length; i++)
        {
            var (bound, upTo) = buckets[i];
            if (value <= bound)
            {
                var lower = LowerBound(buckets, i);
                var within = value <= lower ? 0 : (upTo - below) * (value - lower) / (bound - lower);
                return Total(metric) - below - within;
            }

            below = upTo;
        }

        return null;
    }

    /// <summary>How many observations the histogram is of: those above its highest bound count too.</summary>
    public static double Total(MetricTotal metric) => Math.Max(metric.Count, metric.Buckets[^1].Count);

    // The first bucket has no lower bound of its own: times and sizes begin at 0.
    private static double LowerBound(ImmutableArray<MetricBucket> buckets, int i) =>
        i > 0 ? buckets[i - 1].UpperBound : Math.Min(0, buckets[0].UpperBound);
}
