using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class JudgeTests
{
    [Fact]
    public void Every_criterion_met_on_enough_fresh_samples_is_a_pass()
    {
        var verdict = Judged(["error_rate < 1%", "p99 < 200ms"], ("decisions", 1000, 1000), ("error_rate", 1000, 5), ("p99", 1000, 100));

        Assert.Equal((VerdictKind.Pass, Judge.PassCode, 1000.0), (verdict.Kind, verdict.Code, verdict.Samples));
        Assert.Equal([0.005, 0.1], verdict.Criteria.Select(result => result.Measured!.Value));
        Assert.Equal([0.01, 0.2], verdict.Criteria.Select(result => result.Limit!.Value));
    }

    [Fact]
    public void One_criterion_not_met_is_a_fail_whatever_the_others_say()
    {
        var verdict = Judged(["missing < 1", "error_rate < 1%"], ("decisions", 1000, 1000), ("error_rate", 1000, 20));

        Assert.Equal((VerdictKind.Fail, Judge.FailCode), (verdict.Kind, verdict.Code));
        Assert.Equal("'error_rate < 1%' does not hold: measured 0.02, limit 0.01.", verdict.Sentence);
        Assert.Equal([VerdictKind.Inconclusive, VerdictKind.Fail], verdict.Criteria.Select(result => result.Kind));
    }

    [Fact]
    public void A_limit_that_is_met_exactly_is_met_by_or_equal_only()
    {
        Assert.Equal(VerdictKind.Fail, Judged(["error_rate < 1%"], ("decisions", 1000, 1000), ("error_rate", 1000, 10)).Kind);
        Assert.Equal(VerdictKind.Pass, Judged(["error_rate <= 1%"], ("decisions", 1000, 1000), ("error_rate", 1000, 10)).Kind);
    }

    [Theory]
    [InlineData(99, false)]
    [InlineData(100, true)]
    public void Too_few_decisions_are_inconclusive_even_where_they_look_ill(int decisions, bool enough)
    {
        var verdict = Judged(["error_rate < 1%"], ("decisions", decisions, decisions), ("error_rate", decisions, decisions));

        Assert.Equal(enough ? VerdictKind.Fail : VerdictKind.Inconclusive, verdict.Kind);
        Assert.Equal(enough ? Judge.FailCode : Judge.FewCode, verdict.Code);
    }

    [Fact]
    public void No_decisions_at_all_are_too_few() => Assert.Equal(Judge.FewCode, Judged(["error_rate < 1%"]).Code);

    [Theory]
    [InlineData(60.0, true)]
    [InlineData(60.1, false)]
    [InlineData(null, false)]
    public void Samples_older_than_the_freshness_are_stale(double? age, bool fresh)
    {
        var verdict = Judge.Judged(
            Fleet.Plan(5, 100), Stage(["no errors"]),
            See([("decisions", 1000, 1000), ("errors", 1000, 0)]) with { NewestSampleAt = age is { } sec ? Fleet.Start.AddSeconds(-sec) : null }, Fleet.Start);

        Assert.Equal(fresh ? (VerdictKind.Pass, Judge.PassCode) : (VerdictKind.Inconclusive, Judge.StaleCode), (verdict.Kind, verdict.Code));
    }

    [Theory]
    [InlineData("missing < 1")]
    [InlineData("empty < 1")]
    public void A_metric_nobody_reported_is_inconclusive(string criterion)
    {
        var verdict = Judged([criterion], ("decisions", 1000, 1000), ("empty", 0, 0));

        Assert.Equal((VerdictKind.Inconclusive, Judge.MissingCode, Judge.MissingCode), (verdict.Kind, verdict.Code, verdict.Criteria[0].Note));
    }

    [Fact]
    public void A_criterion_for_a_person_is_inconclusive()
    {
        var verdict = Judged(["looks fine to ops", "no errors"], ("decisions", 1000, 1000), ("errors", 1000, 0));

        Assert.Equal((VerdictKind.Inconclusive, Judge.ManualCode, Judge.ManualCode), (verdict.Kind, verdict.Code, verdict.Criteria[0].Note));
        Assert.Contains("looks fine to ops", verdict.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Decisions_are_a_count_and_everything_else_a_mean() => Assert.Equal(
        [1000.0, 3.0], Judged(["decisions >= 1000", "load < 4"], ("decisions", 1000, 7), ("load", 2, 6)).Criteria.Select(result => result.Measured!.Value));

    [Theory]
    [InlineData("a < 1 and missing < 1", null)]
    [InlineData("a > 1 and missing < 1", false)]
    [InlineData("missing < 1 and a > 1", false)]
    [InlineData("a < 1 or missing < 1", true)]
    [InlineData("missing < 1 or a < 1", true)]
    [InlineData("a > 1 or missing < 1", null)]
    [InlineData("not missing < 1", null)]
    [InlineData("not a < 1", false)]
    [InlineData("not a > 1", true)]
    [InlineData("a < 1 and b < 1", true)]
    [InlineData("a == 0.5 and a != 1 and a >= 0.5 and a <= 0.5", true)]
    [InlineData("a > 0.5 or a < 0.5 or a == 1 or a != 0.5", false)]
    public void What_is_missing_decides_nothing_that_the_rest_decides_already(string criterion, bool? holds)
    {
        var kind = Judged([criterion], ("decisions", 1000, 1000), ("a", 2, 1), ("b", 2, 1)).Criteria[0].Kind;

        Assert.Equal(holds switch { true => VerdictKind.Pass, false => VerdictKind.Fail, null => VerdictKind.Inconclusive }, kind);
    }

    [Fact]
    public void A_trigger_fires_on_a_single_sample()
    {
        var fired = Judge.Fired("error_rate > 5%", See([("decisions", 1, 1), ("error_rate", 1, 1)]), Terms);

        Assert.Equal(new CriterionResult("error_rate > 5%", VerdictKind.Fail, 1, 0.05), fired);
        Assert.Null(Judge.Fired("error_rate > 5% and decisions >= 50", See([("decisions", 1, 1), ("error_rate", 1, 1)]), Terms));
    }

    [Theory]
    [InlineData("error_rate > 5%")]
    [InlineData("missing > 0")]
    [InlineData("not missing > 0")]
    [InlineData("when ops says so")]
    public void A_trigger_that_does_not_hold_or_cannot_be_evaluated_never_fires(string trigger) =>
        Assert.Null(Judge.Fired(trigger, See([("decisions", 1000, 1000), ("error_rate", 1000, 50)]), Terms));

    [Fact]
    public void A_mean_beyond_all_numbers_is_no_measurement() => Assert.Null(
        CriterionEvaluation.Measure("a", See([("a", double.Epsilon, double.MaxValue)]).Cohort));

    [Theory]
    [InlineData("error_rate < 1% over 15m", VerdictKind.Fail, null, 0.02)]
    [InlineData("error_rate < 3% over 15m", VerdictKind.Pass, null, 0.02)]
    [InlineData("error_rate < 1% over 5m", VerdictKind.Inconclusive, Judge.FewCode, null)]
    [InlineData("error_rate < 1% over 30m", VerdictKind.Inconclusive, Judge.FewCode, null)]
    public void A_criterion_looks_back_as_far_as_it_says_over_enough_samples(string criterion, VerdictKind kind, string? note, double? measured)
    {
        var seen = See([("decisions", 1000, 1000), ("error_rate", 1000, 0)]) with
        {
            LookBacks =
            [
                new LookedBack(TimeSpan.FromMinutes(5), Totals(("decisions", 99, 99), ("error_rate", 99, 99))),
                new LookedBack(TimeSpan.FromMinutes(15), Totals(("decisions", 100, 100), ("error_rate", 100, 2))),
            ],
        };

        var result = Judge.Judged(Fleet.Plan(5, 100), Stage([criterion]), seen, Fleet.Start).Criteria.Single();

        Assert.Equal((kind, note, measured), (result.Kind, result.Note, result.Measured));
        Assert.Equal(1, Judge.Fired("error_rate > 5% over 5m", seen, Terms)?.Measured);
        Assert.Null(Judge.Fired("error_rate > 5% over 30m", seen, Terms));
    }

    [Theory]
    [InlineData("p50(latency_ms) < 100", VerdictKind.Pass, null, 50.0)]
    [InlineData("p90(latency_ms) <= 150", VerdictKind.Pass, null, 150.0)]
    [InlineData("p90(latency_ms) < 150", VerdictKind.Fail, null, 150.0)]
    [InlineData("p95(latency_ms) < 200", VerdictKind.Fail, null, 200.0)]
    [InlineData("p99(latency_ms) < 200", VerdictKind.Fail, null, 200.0)]
    [InlineData("p99(latency_ms) > 150", VerdictKind.Pass, null, 200.0)]
    [InlineData("p99(latency_ms) < 250", VerdictKind.Inconclusive, Judge.BeyondCode, 200.0)]
    [InlineData("p99(decisions) < 250", VerdictKind.Inconclusive, Judge.MissingCode, null)]
    [InlineData("p99(nobody) < 250", VerdictKind.Inconclusive, Judge.MissingCode, null)]
    public void A_percentile_is_told_from_the_buckets_and_only_as_far_as_they_reach(string criterion, VerdictKind kind, string? note, double? measured)
    {
        // Of 1,000 observations 800 lie at or below 80 ms, 850 at or below 100, 950 at or below 200, and 50 beyond every bound.
        var seen = See([("decisions", 1000, 1000), ("latency_ms", 1000, 90_000)]);
        seen = seen with
        {
            Cohort = seen.Cohort.SetItem("latency_ms", seen.Cohort["latency_ms"] with
            {
                Buckets = [new MetricBucket(80, 800), new MetricBucket(100, 850), new MetricBucket(200, 950)],
            }),
        };

        var result = Judge.Judged(Fleet.Plan(5, 100), Stage([criterion]), seen, Fleet.Start).Criteria.Single();

        Assert.Equal((kind, note), (result.Kind, result.Note));
        Assert.Equal(measured is { } m ? m : double.NaN, result.Measured ?? double.NaN, 9);
    }

    [Fact]
    public void A_percentile_within_a_bucket_that_reaches_as_far_as_numbers_do_is_a_number()
    {
        var seen = See([("decisions", 1000, 1000), ("latency_ms", 1000, 90_000)]);
        seen = seen with
        {
            Cohort = seen.Cohort.SetItem("latency_ms", seen.Cohort["latency_ms"] with
            {
                Buckets = [new MetricBucket(100, 800), new MetricBucket(double.MaxValue, 1000)],
            }),
        };

        var failed = Judge.Judged(Fleet.Plan(5, 100), Stage(["p99(latency_ms) < 250"]), seen, Fleet.Start).Criteria.Single();
        var fired = Judge.Fired("p99(latency_ms) > 250", seen, Terms);

        Assert.Equal(VerdictKind.Fail, failed.Kind);
        Assert.InRange(failed.Measured!.Value, 250, double.MaxValue);
        Assert.InRange(fired!.Measured!.Value, 250, double.MaxValue);
    }

    [Fact]
    public void What_cannot_be_told_names_its_reason() => Assert.All(
        [
            ("p99(a) < 250", "cannot be told: no node reported what it needs."), ("a vs baseline", "cannot be told: there are not 100 decisions outside the cohort"),
            ("a < 1 over 15m", "cannot be told: what it looks at is less than 100 decisions"),
        ],
        pair => Assert.Contains(pair.Item2, Judged([pair.Item1], ("decisions", 1000, 1000), ("a", 1, 1)).Sentence, StringComparison.Ordinal));

    private static JudgeTerms Terms => new(100, 60);

    private static ImmutableSortedDictionary<string, MetricTotal> Totals(params (string Name, double Count, double Sum)[] metrics) =>
        metrics.ToImmutableSortedDictionary(metric => metric.Name, metric => new MetricTotal(metric.Count, metric.Sum));

    private static Verdict Judged(ImmutableArray<string> criteria, params (string, double, double)[] metrics) =>
        Judge.Judged(Fleet.Plan(5, 100), Stage(criteria), See(metrics), Fleet.Start);

    private static PlanStage Stage(ImmutableArray<string> criteria) => new("s", 5, 1, criteria, "no x");

    private static FleetObservation See((string Name, double Count, double Sum)[] metrics) => new()
    {
        At = Fleet.Start,
        Directive = new Directive { Epoch = 2 },
        Nodes = new NodeCounts(1, 1, 0, 0, 0),
        Cohort = metrics.ToImmutableSortedDictionary(metric => metric.Name, metric => new MetricTotal(metric.Count, metric.Sum)),
        NewestSampleAt = Fleet.Start,
    };
}
