using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class CriterionParserTests
{
    [Theory]
    [InlineData("error_rate < 0.01", "error_rate", ComparisonOperator.Less, 0.01)]
    [InlineData("error_rate<=0.02", "error_rate", ComparisonOperator.LessOrEqual, 0.02)]
    [InlineData("critical_alert_count > 0", "critical_alert_count", ComparisonOperator.Greater, 0)]
    [InlineData("  a.b:c-d  >=  -1.5e-3  ", "a.b:c-d", ComparisonOperator.GreaterOrEqual, -0.0015)]
    [InlineData("x == +2E+2", "x", ComparisonOperator.Equal, 200)]
    [InlineData("x != .5", "x", ComparisonOperator.NotEqual, 0.5)]
    [InlineData("no errors", "errors", ComparisonOperator.Equal, 0)]
    [InlineData("error_rate < 5%", "error_rate", ComparisonOperator.Less, 0.05)]
    [InlineData("error_rate < 1 %", "error_rate", ComparisonOperator.Less, 0.01)]
    [InlineData("error_percent < 5%", "error_percent", ComparisonOperator.Less, 5)]
    [InlineData("error_pct < 5%", "error_pct", ComparisonOperator.Less, 5)]
    [InlineData("p99 < 200ms", "p99", ComparisonOperator.Less, 0.2)]
    [InlineData("p95_latency_ms <= 35", "p95_latency_ms", ComparisonOperator.LessOrEqual, 35)]
    [InlineData("p95_latency_ms <= 35ms", "p95_latency_ms", ComparisonOperator.LessOrEqual, 35)]
    [InlineData("p95_latency_ms <= 1s", "p95_latency_ms", ComparisonOperator.LessOrEqual, 1_000)]
    [InlineData("p95_latency_ms <= 250us", "p95_latency_ms", ComparisonOperator.LessOrEqual, 0.25)]
    [InlineData("decision_us < 1ms", "decision_us", ComparisonOperator.Less, 1_000)]
    [InlineData("decision_us < 500µs", "decision_us", ComparisonOperator.Less, 500)]
    [InlineData("decision_us < 500μs", "decision_us", ComparisonOperator.Less, 500)]
    [InlineData("decision_us < 500ns", "decision_us", ComparisonOperator.Less, 0.5)]
    [InlineData("lag_seconds < 2m", "lag_seconds", ComparisonOperator.Less, 120)]
    [InlineData("lag_sec < 2min", "lag_sec", ComparisonOperator.Less, 120)]
    [InlineData("lag_s < 2h", "lag_s", ComparisonOperator.Less, 7_200)]
    [InlineData("gc_ns < 1us", "gc_ns", ComparisonOperator.Less, 1_000)]
    public void A_comparison_is_read_in_the_metrics_own_unit(string text, string metric, ComparisonOperator op, double limit)
    {
        var comparison = Assert.IsType<Criterion.Comparison>(CriterionParser.Parse(text).Criterion);

        Assert.Equal((metric, op), (comparison.Metric, comparison.Operator));
        Assert.Equal(limit, comparison.Limit);
    }

    [Theory]
    [InlineData("error_rate < 1% over 15m", null, 900, false, 0.01)]
    [InlineData("no errors over 1h", null, 3_600, false, 0)]
    [InlineData("p99(latency_ms) < 250", 99.0, null, false, 250)]
    [InlineData("p99.9( latency_ms ) <= 1s over 90s", 99.9, 90, false, 1_000)]
    [InlineData("p50(latency_ms) vs baseline", 50.0, null, true, 1)]
    [InlineData("error_rate vs baseline * 1.2", null, null, true, 1.2)]
    [InlineData("error_rate <= vs baseline * 1.2", null, null, true, 1.2)]
    [InlineData("error_rate < baseline*.5", null, null, true, 0.5)]
    public void Percentiles_look_backs_and_baselines_are_read(string text, double? percentile, int? overSec, bool baseline, double limit)
    {
        var comparison = Assert.IsType<Criterion.Comparison>(CriterionParser.Parse(text).Criterion);

        Assert.Equal(
            (percentile, overSec, baseline, limit),
            (comparison.Percentile, (int?)comparison.Over?.TotalSeconds, comparison.Baseline, comparison.Limit));
    }

    [Theory]
    [InlineData("error_rate vs baseline", ComparisonOperator.LessOrEqual)]
    [InlineData("error_rate > vs baseline * 2", ComparisonOperator.Greater)]
    [InlineData("hits >= baseline * 0.9", ComparisonOperator.GreaterOrEqual)]
    public void A_baseline_without_an_operator_is_an_upper_limit(string text, ComparisonOperator op) =>
        Assert.Equal(op, Assert.IsType<Criterion.Comparison>(CriterionParser.Parse(text).Criterion).Operator);

    [Fact]
    public void Each_part_has_its_own_look_back()
    {
        var criterion = CriterionParser.Parse("not (a < 1 over 5m or b < 2) and p99(c) < 3 over 1h").Criterion!;

        Assert.Equal([("a", 5.0), ("b", null), ("c", (double?)60)], criterion.Comparisons().Select(part => (part.Metric, part.Over?.TotalMinutes)));
    }

    [Theory]
    [InlineData("a < 1 or b < 2 and c < 3", "(a or (b and c))")]
    [InlineData("a < 1 and b < 2 or c < 3", "((a and b) or c)")]
    [InlineData("(a < 1 or b < 2) and c < 3", "((a or b) and c)")]
    [InlineData("not a < 1 and b < 2", "((not a) and b)")]
    [InlineData("not (a < 1 or no b)", "(not (a or b))")]
    [InlineData("not not a < 1", "(not (not a))")]
    [InlineData("a < 1 and b < 2 and c < 3", "(a and b and c)")]
    [InlineData("a < 1s or b < 2", "(a or b)")]
    [InlineData("((a < 1))", "a")]
    public void And_binds_tighter_than_or_and_not_tighter_than_both(string text, string shape) =>
        Assert.Equal(shape, Shape(CriterionParser.Parse(text).Criterion!));

    [Theory]
    [InlineData("", 1)]
    [InlineData("looks fine to ops", 7)]
    [InlineData("no critical alerts", 13)]
    [InlineData("error_rate", 11)]
    [InlineData("error_rate <", 13)]
    [InlineData("error_rate < abc", 14)]
    [InlineData("error_rate = 1", 12)]
    [InlineData("error_rate => 1", 12)]
    [InlineData("error_rate ! 1", 12)]
    [InlineData("error_rate < 1 over", 20)]
    [InlineData("error_rate < 1 over m", 21)]
    [InlineData("error_rate < 1 over 15", 23)]
    [InlineData("error_rate < 1 over 15 %", 24)]
    [InlineData("error_rate < 1 over 0m", 22)]
    [InlineData("error_rate < 1 over -5m", 23)]
    [InlineData("error_rate < 1 over 8761h", 25)]
    [InlineData("no errors over", 15)]
    [InlineData("error_rate vs", 14)]
    [InlineData("error_rate vs 5", 15)]
    [InlineData("error_rate < vs 5", 17)]
    [InlineData("error_rate == baseline", 15)]
    [InlineData("error_rate != vs baseline", 18)]
    [InlineData("error_rate vs baseline *", 25)]
    [InlineData("error_rate vs baseline * x", 26)]
    [InlineData("error_rate vs baseline * 0", 26)]
    [InlineData("error_rate vs baseline * -1", 26)]
    [InlineData("error_rate vs baseline / 2", 24)]
    [InlineData("error_rate vs baseline over 15m", 24)]
    [InlineData("decisions vs baseline", 14)]
    [InlineData("q99(a) < 1", 1)]
    [InlineData("p(a) < 1", 1)]
    [InlineData("p0(a) < 1", 1)]
    [InlineData("p100(a) < 1", 1)]
    [InlineData("p99() < 1", 5)]
    [InlineData("p99(a < 1", 7)]
    [InlineData("p99(a) vs", 10)]
    [InlineData("error_rate < 1.2.3", 14)]
    [InlineData("error_rate < 1e999", 14)]
    [InlineData("error_rate < -", 14)]
    [InlineData("error_rate < 5 parsecs", 16)]
    [InlineData("decision_us < 5%", 16)]
    [InlineData("latency_ns < 1e300h", 19)]
    [InlineData("not p99(latency_ns) > -1e300h", 29)]
    [InlineData("error_percent < 5ms", 18)]
    [InlineData("error_rate < 1 $", 16)]
    [InlineData("(a < 1", 7)]
    [InlineData("(a < 1 b < 2)", 8)]
    [InlineData("a < 1)", 6)]
    [InlineData("()", 2)]
    [InlineData("a < 1 and", 10)]
    [InlineData("and < 1", 1)]
    [InlineData("no and", 4)]
    [InlineData("not", 4)]
    [InlineData("5 < a", 1)]
    [InlineData("a < 1 vs baseline * 1.2", 7)]
    [InlineData("a < 1e", 6)]
    public void What_does_not_parse_is_for_a_person_and_tells_the_column(string text, int column)
    {
        var reading = CriterionParser.Parse(text);

        Assert.True(reading.IsManual);
        Assert.Equal(column, reading.Column);
        Assert.EndsWith(".", reading.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Length_and_depth_are_bounded()
    {
        Assert.Equal(CriterionParser.LengthMax + 1, CriterionParser.Parse(new string('a', CriterionParser.LengthMax + 1)).Column);
        Assert.True(CriterionParser.Parse(new string('(', 40) + "a < 1" + new string(')', 40)).IsManual);
        Assert.False(CriterionParser.Parse(new string('(', 30) + "a < 1" + new string(')', 30)).IsManual);
        Assert.True(CriterionParser.Parse(string.Concat(Enumerable.Repeat("not ", 40)) + "a < 1").IsManual);
    }

    [Fact]
    public void Any_text_gets_an_answer() => Prop.ForAll(
        Gen.Elements("a", "<", "<=", "1", "5e3", "%", "ms", "(", ")", "and", "or", "not", "no", "over", "vs", "baseline", "*", "p99", "15m", " ", "\ud800", "é", "=", "!", ".", "-").ArrayOf().Select(string.Concat).ToArbitrary(),
        text =>
        {
            var reading = CriterionParser.Parse(text);
            Assert.Equal(reading.IsManual, reading.Error is not null);
            Assert.InRange(reading.Column, reading.IsManual ? 1 : 0, text.Length + 1);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    private static string Shape(Criterion criterion) => criterion switch
    {
        Criterion.Comparison comparison => comparison.Metric,
        Criterion.Not not => $"(not {Shape(not.Part)})",
        Criterion.All all => $"({string.Join(" and ", all.Parts.Select(Shape))})",
        Criterion.Any any => $"({string.Join(" or ", any.Parts.Select(Shape))})",
        _ => throw new InvalidOperationException(),
    };
}
