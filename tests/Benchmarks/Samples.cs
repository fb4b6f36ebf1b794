namespace OrleansPolicy.Benchmarks;

/// <summary>Repeated measurements of one thing, in the order in which they were taken.</summary>
internal sealed record Samples(string Name, string Unit, IReadOnlyList<double> Values)
{
    public double Median { get; } = MedianOf(Values);

    public double Min { get; } = Values.Min();

    public double Max { get; } = Values.Max();

    /// <summary>The median of the pairwise ratios: a machine that slows down slows both sides of a pair.</summary>
    public double RatioTo(Samples baseline) => MedianOf([.. Values.Zip(baseline.Values, (ours, theirs) => ours / theirs)]);

    private static double MedianOf(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
