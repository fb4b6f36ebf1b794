using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class MetricWindowTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Counts_and_sums_add_up_over_nodes()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Metrics(("decisions", 10, 10), ("error_rate", 10, 1)));
        window.Add(T0.AddSeconds(1), Metrics(("decisions", 30, 30), ("error_rate", 30, 0)));

        var sums = window.Sum(T0, T0.AddSeconds(2));

        Assert.Equal(new MetricTotal(40, 40, 2, 40), sums["decisions"]);
        Assert.Equal(new MetricTotal(40, 1, 2, 0.1), sums["error_rate"]);
        Assert.Equal(T0.AddSeconds(1), window.NewestSampleAt);
    }

    [Fact]
    public void What_happened_before_a_moment_never_counts_from_it()
    {
        var window = new MetricWindow(T0);
        window.Add(T0.AddMilliseconds(10), Metrics(("decisions", 1, 1)));
        window.Add(T0.AddMilliseconds(60), Metrics(("decisions", 2, 2)));

        Assert.Equal(2, window.Sum(T0.AddMilliseconds(20), T0.AddSeconds(1))["decisions"].Count);
        Assert.Empty(window.Sum(T0.AddMilliseconds(70), T0.AddSeconds(1)));
        Assert.Equal(1, window.Sum(T0, T0.AddMilliseconds(49))["decisions"].Count);
    }

    [Fact]
    public void Reports_out_of_order_find_their_slice()
    {
        var window = new MetricWindow(T0);
        foreach (var second in (int[])[5, 1, 3, 1, 5])
        {
            window.Add(T0.AddSeconds(second), Metrics(("decisions", 1, 1)));
        }

        Assert.Equal(3, window.SliceCount);
        Assert.Equal(2, window.Sum(T0.AddSeconds(4), T0.AddSeconds(9))["decisions"].Count);
        Assert.Equal(T0.AddSeconds(5), window.NewestSampleAt);
    }

    [Fact]
    public void A_report_without_decisions_is_no_sample()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Metrics(("decisions", 0, 0), ("error_rate", 0, 0)));
        window.Add(T0, ImmutableSortedDictionary<string, MetricValue>.Empty);

        Assert.Null(window.NewestSampleAt);
        Assert.Empty(window.Sum(T0, T0));
    }

    [Fact]
    public void It_stays_bounded_over_a_year_and_its_edges_are_as_near_as_a_slice()
    {
        var window = new MetricWindow(T0);
        for (var hour = 0; hour < 8_760; hour++)
        {
            window.Add(T0.AddHours(hour), Metrics(("decisions", 1, 1)));
        }

        Assert.InRange(window.SliceCount, 1, MetricWindow.SlicesMax);
        Assert.Equal(8_760, window.Sum(T0, T0.AddYears(1))["decisions"].Count);
        Assert.InRange(window.SliceWidth.TotalHours, 17, 8_760 / 256.0);
        Assert.InRange(window.Sum(T0.AddHours(4_000), T0.AddYears(1))["decisions"].Count, 4_760 - window.SliceWidth.TotalHours, 4_760);
    }

    [Fact]
    public void What_is_forgotten_makes_room()
    {
        var window = new MetricWindow(T0);
        for (var i = 0; i < 10_000; i++)
        {
            var at = T0.AddMilliseconds(100 * i);
            window.Add(at, Metrics(("decisions", 1, 1)));
            window.Forget(at.AddSeconds(-10));
        }

        Assert.Equal(TimeSpan.FromMilliseconds(50), window.SliceWidth);
        Assert.InRange(window.SliceCount, 100, 102);
        window.Add(T0, Metrics(("decisions", 1, 1)));
        Assert.Equal(1, window.Dropped);
    }

    [Fact]
    public void What_is_no_number_to_add_is_dropped()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Metrics(("a", double.NaN, 1), ("b", -1, 1), ("c", 1, double.PositiveInfinity), ("d", 1, 1)));
        window.Add(T0.AddSeconds(-1), Metrics(("d", 1, 1)));

        Assert.Equal(4, window.Dropped);
        Assert.Equal("d", Assert.Single(window.Sum(T0, T0)).Key);
    }

    [Fact]
    public void A_sum_beyond_all_numbers_is_no_metric()
    {
        var window = new MetricWindow(T0);
        window.Add(T0, Metrics(("a", 1, double.MaxValue)));
        window.Add(T0, Metrics(("a", 1, double.MaxValue)));

        Assert.Empty(window.Sum(T0, T0));
    }

    [Fact]
    public void The_names_are_bounded()
    {
        var window = new MetricWindow(T0);
        for (var i = 0; i < MetricWindow.MetricsMax + 10; i++)
        {
            window.Add(T0, Metrics(($"m{i}", 1, 1)));
        }

        Assert.Equal((MetricWindow.MetricsMax, 10), (window.Sum(T0, T0).Count, window.Dropped));
    }

    [Fact]
    public void Nothing_is_lost_or_counted_twice_however_wide_the_slices_get() =>
        Prop.ForAll(Gen.Choose(0, 2_000_000).ArrayOf().ToArbitrary(), offsets =>
        {
            var window = new MetricWindow(T0);
            foreach (var offset in offsets)
            {
                window.Add(T0.AddMilliseconds(offset), Metrics(("decisions", 1, 2)));
            }

            Assert.InRange(window.SliceCount, 0, MetricWindow.SlicesMax);
            Assert.Equal(offsets.Length, window.Sum(T0, DateTimeOffset.MaxValue).GetValueOrDefault("decisions")?.Count ?? 0);
        }).Check(Config.QuickThrowOnFailure.WithStartSize(1).WithEndSize(2_000).WithMaxTest(60));

    private static ImmutableSortedDictionary<string, MetricValue> Metrics(params (string Name, double Count, double Sum)[] values) =>
        values.ToImmutableSortedDictionary(value => value.Name, value => new MetricValue(value.Count, value.Sum));
}
