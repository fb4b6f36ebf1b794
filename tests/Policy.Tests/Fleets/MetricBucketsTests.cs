using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class MetricBucketsTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Histograms_add_up_over_nodes_and_slices_in_the_order_of_their_bounds()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Latency(10, ("100", 9), ("20", 5), ("+Inf", 10)));
        window.Add(T0.AddMilliseconds(60), Latency(4, ("20", 1), ("100", 4), ("+Inf", 4)));

        var total = window.Sum(T0, T0.AddSeconds(1))["latency_ms"];

        Assert.Equal([new MetricBucket(20, 6), new MetricBucket(100, 13)], total.Buckets.AsEnumerable());
        Assert.Equal(14, total.Count);
        Assert.Equal([new MetricBucket(20, 1), new MetricBucket(100, 4)], window.Sum(T0.AddMilliseconds(50), T0.AddSeconds(1))["latency_ms"].Buckets.AsEnumerable());
    }

    [Fact]
    public void Nodes_with_other_bounds_are_joined_at_the_bounds_that_hold_for_both()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Latency(10, ("20", 5), ("100", 10)));
        window.Add(T0, Latency(10, ("50", 6), ("100", 10)));
        window.Add(T0, Latency(10, ("20", 5), ("200", 10)));

        // What lies between 20 and 100, or 0 and 50, counts at the upper bound: a percentile is rather told too high than too low.
        Assert.Equal(
            [new MetricBucket(20, 10), new MetricBucket(50, 16), new MetricBucket(100, 25), new MetricBucket(200, 30)],
            window.Sum(T0, T0)["latency_ms"].Buckets.AsEnumerable());
    }

    [Fact]
    public void Slices_that_are_joined_keep_their_buckets()
    {
        var window = new MetricWindow(T0);
        for (var minute = 0; minute < 2_000; minute++)
        {
            window.Add(T0.AddMinutes(minute), Latency(2, ("20", 1), ("100", 2)));
        }

        Assert.Equal([new MetricBucket(20, 2_000), new MetricBucket(100, 4_000)], window.Sum(T0, T0.AddYears(1))["latency_ms"].Buckets.AsEnumerable());
    }

    [Fact]
    public void What_falls_where_it_should_rise_is_taken_as_level()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Latency(10, ("20", 8), ("100", 5), ("200", 10)));

        Assert.Equal([new MetricBucket(20, 8), new MetricBucket(100, 8), new MetricBucket(200, 10)], window.Sum(T0, T0)["latency_ms"].Buckets.AsEnumerable());
    }

    [Fact]
    public void Bounds_that_are_no_numbers_are_dropped_and_what_they_were_about_is_kept()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Latency(10, ("fast", 8)));

        Assert.Equal(1, window.Dropped);
        Assert.Equal((10.0, true), (window.Sum(T0, T0)["latency_ms"].Count, window.Sum(T0, T0)["latency_ms"].Buckets.IsEmpty));
    }

    [Fact]
    public void The_room_for_histograms_is_bounded()
    {
        var window = new MetricWindow(T0);
        for (var i = 0; i < 100; i++)
        {
            window.Add(T0, Latency(1, [.. Enumerable.Range(0, 64).Select(bound => ($"{(100 * i) + bound}", 1.0))]));
        }

        Assert.Equal(100 - (BucketLayouts.CellsMax / 64), window.Dropped);
    }

    [Theory]
    [InlineData("+Inf", true)]
    [InlineData("Infinity", true)]
    [InlineData("1e3", true)]
    [InlineData("-0.5", true)]
    [InlineData("1e15", true)]
    [InlineData("1e308", true)]
    [InlineData("1e999", false)]
    [InlineData("-1e16", false)]
    [InlineData("NaN", false)]
    [InlineData("-Infinity", false)]
    [InlineData("", false)]
    [InlineData("many", false)]
    public void A_report_whose_bucket_has_no_number_for_a_bound_is_refused(string bound, bool isSound)
    {
        var report = new NodeReport { BootId = "b", Seq = 1, Epoch = 1, Ack = true, Metrics = Latency(1, (bound, 1)) };

        Assert.Equal(isSound, ReportRules.Check(report) is null);
    }

    [Fact]
    public void A_bound_beyond_what_is_ever_measured_is_none()
    {
        var window = new MetricWindow(T0);

        window.Add(T0, Latency(10, ("20", 8), ("1e15", 9), ("9.3e18", 10), ("+Inf", 10)));

        var total = window.Sum(T0, T0)["latency_ms"];
        Assert.Equal([new MetricBucket(20, 8), new MetricBucket(1e15, 9)], total.Buckets.AsEnumerable());
        Assert.Equal(10, total.Count);
    }

    [Fact]
    public void Variance_is_told_from_what_reports_differ_by()
    {
        Assert.Null(new MetricTotal(10, 5, 1, 2.5).Variance);
        Assert.Null(new MetricTotal(0, 0, 2, 0).Variance);

        // Two reports of ten, five errors in one of them: 25 / 10 - 25 / 20.
        Assert.Equal(1.25, new MetricTotal(20, 5, 2, 2.5).Variance);
        Assert.Equal(0, new MetricTotal(20, 5, 2, 1.2).Variance);
    }

    private static ImmutableSortedDictionary<string, MetricValue> Latency(double count, params (string Bound, double Count)[] buckets) =>
        ImmutableSortedDictionary<string, MetricValue>.Empty.Add(
            "latency_ms", new MetricValue(count, 50 * count, buckets.ToImmutableSortedDictionary(pair => pair.Bound, pair => pair.Count, StringComparer.Ordinal)));
}
