using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class BaselineComparisonTests
{
    [Theory]
    [InlineData(0.001, 1.0, 0)]
    [InlineData(0.01, 1.0, 0.02)]
    [InlineData(0.1, 1.0, 0.05)]
    [InlineData(0.2, 1.5, 0.05)]
    public void A_cohort_at_its_limit_is_hardly_ever_called_ill_however_often_one_looks(double rate, double factor, double naiveMin)
    {
        var (failed, naive, _) = Rates($"x vs baseline * {factor}", factor, rate, rate * factor).Run(7);

        Assert.InRange(failed, 0, SequentialTest.Alpha);

        // Where a z-test at 1 % that is looked at as often would not have cried wolf, the trial would show nothing.
        Assert.InRange(naive, naiveMin, 1);
    }

    [Theory]
    [InlineData(0.01, 3.0, 100)]
    [InlineData(0.05, 2.0, 100)]
    [InlineData(0.2, 1.5, 125)]
    public void A_cohort_that_is_worse_is_found_out(double rate, double times, double meanLookMax)
    {
        var (failed, _, meanLook) = (Rates("x vs baseline * 1.1", 1.1, rate, rate * times)).Run(11);

        Assert.InRange(failed, 0.95, 1);
        Assert.InRange(meanLook, 10, meanLookMax);
    }

    [Fact]
    public void Percentiles_are_compared_by_the_share_beyond_them()
    {
        BaselineTrial Latency(double times) => new("p90(x) vs baseline * 1.2", 1.2)
        {
            Runs = 150,
            Draw = (random, isCohort) => -20 * (isCohort ? times : 1) * Math.Log(1 - random.NextDouble()),
        };

        Assert.InRange(Latency(1.2).Run(3).Failed, 0, SequentialTest.Alpha);
        Assert.InRange(Latency(1.8).Run(3).Failed, 0.95, 1);
    }

    [Fact]
    public void Observations_that_come_in_bursts_are_no_more_proof_than_their_reports()
    {
        // All observations of a report are alike: twenty of them say what one does.
        var last = 0.0;
        var drawn = 0;
        var trial = new BaselineTrial("x vs baseline", 1)
        {
            Draw = (random, _) => last = drawn++ % 20 == 0 ? (random.NextDouble() < 0.05 ? 1 : 0) : last,
        };

        Assert.InRange(trial.Run(5).Failed, 0, SequentialTest.Alpha);
    }

    [Theory]
    [InlineData("x vs baseline * 1.2", 1.0, VerdictKind.Pass, null)]
    [InlineData("x vs baseline * 1.2", 1.3, VerdictKind.Inconclusive, Judge.UndecidedCode)]
    [InlineData("x vs baseline * 1.2", 3.0, VerdictKind.Fail, null)]
    [InlineData("x >= baseline * 0.8", 0.7, VerdictKind.Inconclusive, Judge.UndecidedCode)]
    [InlineData("x >= baseline * 0.8", 0.2, VerdictKind.Fail, null)]
    [InlineData("x >= baseline * 0.8", 3.0, VerdictKind.Pass, null)]
    [InlineData("not x > vs baseline * 1.2", 1.3, VerdictKind.Inconclusive, Judge.UndecidedCode)]
    [InlineData("not x > vs baseline * 1.2", 3.0, VerdictKind.Fail, null)]
    [InlineData("not x > vs baseline * 1.2", 1.0, VerdictKind.Pass, null)]
    [InlineData("x < 0.5 or x vs baseline * 1.2", 3.0, VerdictKind.Pass, null)]
    public void A_criterion_is_met_as_measured_and_fails_on_proof_alone(string criterion, double times, VerdictKind kind, string? note)
    {
        var result = Judged(criterion, Side(2_000, 0.05 * times), Side(8_000, 0.05));

        Assert.Equal((kind, note), (result.Kind, result.Note));
    }

    [Theory]
    [InlineData("x > vs baseline * 1.2", 1.3, false)]
    [InlineData("x > vs baseline * 1.2", 3.0, true)]
    [InlineData("x > vs baseline * 1.2", 1.0, false)]
    [InlineData("x < vs baseline * 0.8", 0.2, true)]
    [InlineData("not x vs baseline * 1.2", 3.0, true)]
    [InlineData("not x vs baseline * 1.2", 1.3, false)]
    public void A_trigger_fires_on_proof_alone(string trigger, double times, bool fires)
    {
        var seen = BaselineTrial.See(Side(2_000, 0.05 * times), Side(8_000, 0.05));

        var fired = Judge.Fired(trigger, seen, new JudgeTerms(1_000_000, 60, new FrozenBaseline(Fleet.Start, Side(8_000, 0.05))));

        Assert.Equal(fires, fired is not null);
        Assert.Equal(fires ? "frozen" : null, fired?.Baseline);
    }

    [Fact]
    public void Where_nobody_outside_is_left_or_speaks_the_kept_baseline_is_used_and_marked()
    {
        var cohort = Side(2_000, 0.05);
        var frozen = new FrozenBaseline(Fleet.Start, Side(8_000, 0.05));
        var seen = BaselineTrial.See(cohort, Side(99, 0.05));

        Assert.Equal((VerdictKind.Inconclusive, Judge.NoBaselineCode, null), Told(Judged("x vs baseline * 1.2", seen, null)));
        Assert.Equal((VerdictKind.Pass, null, "frozen"), Told(Judged("x vs baseline * 1.2", seen, frozen)));
        Assert.Equal((VerdictKind.Inconclusive, Judge.NoBaselineCode, null), Told(Judged("x vs baseline * 1.2", seen with { Compared = null }, frozen)));
        Assert.Equal((VerdictKind.Pass, null, "concurrent"), Told(Judged("x vs baseline * 1.2", BaselineTrial.See(cohort, Side(8_000, 0.05)), null)));

        // Enough of them once, and silent since: what they said is not of the same time any more.
        var stale = BaselineTrial.See(cohort, Side(8_000, 0.05));
        Assert.Equal("frozen", Judged("x vs baseline * 1.2", stale with { Compared = stale.Compared! with { NewestRestAt = Fleet.Start.AddSeconds(-61) } }, null).Baseline);
        Assert.Equal("frozen", Judged("x vs baseline * 1.2", stale with { Compared = stale.Compared! with { NewestRestAt = null } }, null).Baseline);
    }

    [Fact]
    public void Tiny_samples_and_a_baseline_of_zero_are_inconclusive()
    {
        Assert.Equal(Judge.ZeroBaselineCode, Judged("x vs baseline * 1.2", Side(2_000, 0.05), Side(8_000, 0)).Note);
        Assert.Equal(Judge.ZeroBaselineCode, Judged("p50(x) vs baseline * 1.2", Latency(2_000, 10), Latency(8_000, 0)).Note);
        Assert.Equal(Judge.FewCode, Judged("x vs baseline * 1.2", Side(2_000, 0.05, reports: 9), Side(8_000, 0.05)).Note);
        Assert.Equal(Judge.FewCode, Judged("x vs baseline * 1.2", Side(2_000, 0.05), Side(8_000, 0.05, reports: 9)).Note);
        Assert.Equal(Judge.FewCode, Judged("p50(x) vs baseline * 1.2", Latency(2_000, 10, reports: 9), Latency(8_000, 10)).Note);
        Assert.Equal(Judge.MissingCode, Judged("y vs baseline * 1.2", Side(2_000, 0.05), Side(8_000, 0.05)).Note);
        Assert.Equal(Judge.MissingCode, Judged("p50(x) vs baseline * 1.2", Side(2_000, 0.05), Latency(8_000, 10)).Note);

        var seen = BaselineTrial.See(Side(2_000, 0.05), Side(8_000, 0.05));
        Assert.Equal(Judge.FewCode, Judged("x vs baseline * 1.2", seen with { Compared = seen.Compared! with { Cohort = Side(99, 0.05) } }, null).Note);
    }

    [Fact]
    public void Percentiles_beyond_the_buckets_are_told_only_where_they_can_be()
    {
        Assert.Equal(Judge.BeyondCode, Judged("p50(x) vs baseline", Latency(2_000, 10), Latency(8_000, 1_000)).Note);
        Assert.Equal(Judge.BeyondCode, Judged("p50(x) vs baseline * 100", Latency(2_000, 10), Latency(8_000, 10)).Note);
        Assert.Equal((VerdictKind.Fail, null, "concurrent"), Told(Judged("p50(x) vs baseline * 2", Latency(2_000, 1_000), Latency(8_000, 10))));
    }

    [Theory]
    [InlineData("x vs baseline * 1e308")]
    [InlineData("p50(x) vs baseline * 1e308")]
    public void A_limit_beyond_all_numbers_is_none(string criterion)
    {
        var result = Judged(criterion, Latency(2_000, 10), Latency(8_000, 10));

        Assert.Equal((VerdictKind.Inconclusive, Judge.MissingCode, "concurrent"), Told(result));
        Assert.Null(result.Limit);
    }

    [Theory]
    [InlineData(2_000, Judge.PassCode)]
    [InlineData(4_100, Judge.RatioCode)]
    [InlineData(900, Judge.RatioCode)]
    [InlineData(1_100, Judge.PassCode)]
    public void Nodes_with_quite_other_traffic_are_not_alike(int decisions, string code)
    {
        // 20 of 100 nodes: a fair share of 10,000 decisions would be 2,000.
        var seen = BaselineTrial.See(Side(decisions, 0.05), Side(8_000, 0.05));

        Assert.Equal(code, Judge.Judged(Fleet.Plan(5, 100), new PlanStage("s", 5, 1, ["x vs baseline * 1.2"], "no y"), seen, Fleet.Start).Code);
        Assert.NotNull(Judge.Fired("x > vs baseline * 0.2", seen, new JudgeTerms(100, 60)));
        Assert.Equal(
            Judge.PassCode,
            Judge.Judged(Fleet.Plan(5, 100), new PlanStage("s", 5, 1, ["x vs baseline * 1.2"], "no y"), seen with { Nodes = new NodeCounts(20, 20, 0, 0, 0, 20) }, Fleet.Start).Code);
    }

    [Fact]
    public void A_few_decisions_more_or_less_are_chance()
    {
        var seen = BaselineTrial.See(Side(140, 0.05), Side(220, 0.05)) with { Nodes = new NodeCounts(1, 1, 0, 0, 0, 4) };

        // 140 of one node against 73 a node: nearly twice, and not more.
        Assert.NotEqual(Judge.RatioCode, Judged("x vs baseline * 9", seen, null).Note);
    }

    [Fact]
    public void The_band_is_narrowest_where_it_is_tuned_for_and_holds_for_ever()
    {
        static double Width(double sample) => SequentialTest.Radius(1, sample);

        Assert.InRange(Width(1_000), 3.4, 3.7);
        Assert.True(Width(100) > Width(1_000) && Width(100_000) > Width(1_000));
        Assert.Equal(0, SequentialTest.Radius(0, 1_000));
    }

    private static (VerdictKind Kind, string? Note, string? Baseline) Told(CriterionResult result) => (result.Kind, result.Note, result.Baseline);

    private static CriterionResult Judged(
        string criterion, ImmutableSortedDictionary<string, MetricTotal> cohort, ImmutableSortedDictionary<string, MetricTotal> rest) =>
        Judged(criterion, BaselineTrial.See(cohort, rest), null);

    private static CriterionResult Judged(string criterion, FleetObservation seen, FrozenBaseline? frozen) =>
        Judge.Judged(Fleet.Plan(5, 100), new PlanStage("s", 5, 1, [criterion], "no y"), seen, Fleet.Start, frozen).Criteria.Single();

    private static BaselineTrial Rates(string criterion, double factor, double rest, double cohort) => new(criterion, factor)
    {
        Draw = (random, isCohort) => random.NextDouble() < (isCohort ? cohort : rest) ? 1 : 0,
    };

    // Rates of so many decisions in reports of their own, with the variance that they have where each stands alone.
    private static ImmutableSortedDictionary<string, MetricTotal> Side(double count, double rate, double reports = 100) =>
        ImmutableSortedDictionary<string, MetricTotal>.Empty
            .Add("decisions", new MetricTotal(count, count, reports, count))
            .Add("x", new MetricTotal(count, count * rate, reports, (count * rate * rate) + (rate * (1 - rate) * (reports - 1))));

    // All observations in one bucket.
    private static ImmutableSortedDictionary<string, MetricTotal> Latency(double count, double value, double reports = 100)
    {
        ImmutableArray<MetricBucket> buckets = [.. ((double[])[0, 10, 100]).Select(bound => new MetricBucket(bound, value <= bound ? count : 0))];
        return Side(count, 0.05, reports).SetItem("x", new MetricTotal(count, count * value, reports, count * value * value) { Buckets = buckets });
    }
}
