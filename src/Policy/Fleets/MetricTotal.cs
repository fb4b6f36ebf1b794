using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Fleets;

/// <summary>What many nodes' reports of one metric add up to.</summary>
/// <param name="Count">How many observations.</param>
/// <param name="Sum">Their sum.</param>
/// <param name="Reports">How many reports brought any.</param>
/// <param name="Spread">
/// Over these reports, the sum of each one's sum squared by its count: what the observations differ by from report to report. It tells more
/// than the spread of single observations would where those of one report go together.
/// </param>
public sealed record MetricTotal(double Count, double Sum, double Reports = 0, double Spread = 0)
{
    /// <summary>How many observations lie at or below each bound, cumulative, by rising bound; empty: nobody reported buckets.</summary>
    public ImmutableArray<MetricBucket> Buckets { get; init; } = [];

    /// <summary>The variance of an observation, told from what reports differ by; null with fewer than two reports.</summary>
    [JsonIgnore]
    public double? Variance => Reports >= 2 && Count > 0 ? Math.Max(0, (Spread - (Sum * Sum / Count)) / (Reports - 1)) : null;

    /// <summary>Whether the numbers can be judged by: a sum beyond the range of a double cannot.</summary>
    [JsonIgnore]
    public bool IsSound => double.IsFinite(Count) && double.IsFinite(Sum) && double.IsFinite(Spread);
}

/// <summary>A bucket of a histogram.</summary>
/// <param name="UpperBound">Its upper bound, finite, in the metric's own unit.</param>
/// <param name="Count">How many observations lie at or below it.</param>
public readonly record struct MetricBucket(double UpperBound, double Count);
