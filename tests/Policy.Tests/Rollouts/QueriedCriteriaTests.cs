using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>Criteria and triggers about what a metrics server answers to configured queries.</summary>
public sealed class QueriedCriteriaTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    [Fact]
    public void A_criterion_names_queries_and_where_it_does()
    {
        var reading = CriterionParser.Parse("error_rate < 1% and (no prom:alerts or prom:p99_ms < 1s)");

        Assert.Equal([new NamedQuery("alerts", 25), new NamedQuery("p99_ms", 40)], reading.Queries);
        Assert.Equal([null, "alerts", "p99_ms"], reading.Criterion!.Comparisons().Select(comparison => comparison.Query));
        Assert.Equal(1_000, reading.Criterion!.Comparisons().Last().Limit);
        Assert.Empty(CriterionParser.Parse("error_rate < 1%").Queries);
    }

    [Theory]
    [InlineData("prom: < 1", 1)]
    [InlineData("p99(prom:latency) < 1", 5)]
    [InlineData("prom:errors vs baseline", 16)]
    [InlineData("prom:errors < baseline * 2", 15)]
    [InlineData("prom:errors < 1% over 15m", 18)]
    [InlineData("no prom:errors over 15m", 16)]
    public void What_one_number_cannot_tell_does_not_parse_and_tells_the_column(string text, int column)
    {
        var reading = CriterionParser.Parse(text);

        Assert.Equal((true, column), (reading.IsManual, reading.Column));
        Assert.EndsWith(".", reading.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prom:errors < 1%", null)]
    [InlineData("looks fine on prom: all of it", null)]
    [InlineData("see xprom:errors yourself", null)]
    [InlineData("prom:errors vs baseline", PlanProblems.QueryMalformed)]
    [InlineData("error_rate < 1% und prom:errors < 1%", PlanProblems.QueryMalformed)]
    [InlineData("prom:faults < 1%", PlanProblems.QueryUnknown)]
    public void A_plan_names_configured_queries_in_their_grammar_or_is_refused_where_it_does_not(string text, string? code)
    {
        var reading = Read(text, "alerts", "errors");

        string?[] codes = code is null ? [] : [code, code];
        Assert.Equal(codes, reading.Errors.Select(error => error.Code));
        Assert.Equal(code is null, reading.Plan is not null);
        if (code is not null)
        {
            Assert.Equal(["$.wedge_stages[0].success_criteria[0]", "$.wedge_stages[0].rollback_trigger"], reading.Errors.Select(error => error.Path));
            Assert.Contains(" at column ", reading.Errors[0].Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Who_names_an_unknown_query_is_told_which_there_are()
    {
        Assert.EndsWith("at column 1. This control plane is configured with: alerts, errors.", Read("prom:faults < 1", "errors", "alerts").Errors[0].Message, StringComparison.Ordinal);
        Assert.EndsWith("This control plane is configured with none.", Read("prom:faults < 1").Errors[0].Message, StringComparison.Ordinal);
        Assert.EndsWith(", q18, q19, ...", Read("prom:faults < 1", [.. Enumerable.Range(0, 21).Select(index => $"q{index:00}")]).Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_nobody_knows_the_queries_their_names_are_not_checked() =>
        Assert.NotNull(PlanReader.Read(Json("prom:faults < 1"), new PlanContext()).Plan);

    [Theory]
    [InlineData("prom:errors < 1%", 0.005, VerdictKind.Pass)]
    [InlineData("prom:errors < 1%", 0.01, VerdictKind.Fail)]
    [InlineData("no prom:errors", 0, VerdictKind.Pass)]
    [InlineData("error_rate < 1% and prom:errors > 1%", 0.02, VerdictKind.Pass)]
    public void The_newest_answer_is_judged_like_any_metric(string criterion, double answer, VerdictKind kind)
    {
        var verdict = Judged(criterion, new QueriedMetric(answer, Fleet.Start, Fleet.Start, null));

        Assert.Equal((kind, answer), (verdict.Kind, verdict.Criteria[0].Measured));
    }

    [Theory]
    [InlineData(QueryCodes.Unknown, "configured with no query")]
    [InlineData(QueryCodes.Pending, "was just asked")]
    [InlineData(QueryCodes.Unavailable, "gives no answer")]
    [InlineData(QueryCodes.Failed, "refuses the query")]
    [InlineData(QueryCodes.Empty, "no series")]
    [InlineData(QueryCodes.Several, "several series")]
    [InlineData(QueryCodes.NotANumber, "no finite number")]
    public void Without_a_number_it_is_inconclusive_with_the_reason_and_no_trigger_fires(string code, string sentence)
    {
        var missing = QueriedMetric.Without(code);
        var verdict = Judged("prom:errors < 1%", missing);

        Assert.Equal((VerdictKind.Inconclusive, code), (verdict.Kind, verdict.Code));
        Assert.Contains(sentence, verdict.Sentence, StringComparison.Ordinal);
        Assert.Null(Fired("prom:errors > 1%", missing));
        Assert.Null(Fired("not prom:errors < 1%", missing));
    }

    [Fact]
    public void A_number_counts_until_it_is_stale_whatever_came_of_asking_again()
    {
        var (fresh, old) = (Fleet.Start.AddSeconds(-60), Fleet.Start.AddSeconds(-60.1));

        Assert.Equal(VerdictKind.Pass, Judged("prom:errors < 1%", new QueriedMetric(0, fresh, fresh, QueryCodes.Unavailable)).Kind);
        Assert.NotNull(Fired("no prom:errors", new QueriedMetric(0, fresh, fresh, QueryCodes.Unavailable)));
        Assert.Equal(QueryCodes.Unavailable, Judged("prom:errors < 1%", new QueriedMetric(0, old, old, QueryCodes.Unavailable)).Code);
        var stale = Judged("prom:errors < 1%", new QueriedMetric(0, old, old, null));
        Assert.Equal(QueryCodes.Stale, stale.Code);
        Assert.Contains("too old", stale.Sentence, StringComparison.Ordinal);
        Assert.Null(Fired("no prom:errors", new QueriedMetric(0, old, old, null)));
    }

    [Fact]
    public void What_nobody_asked_is_unavailable_and_nodes_cannot_answer_in_its_place() => Assert.Equal(
        QueryCodes.Unavailable, Judge.Judged(Plan("prom:error_rate < 1%"), Plan("prom:error_rate < 1%").Stages[0], new Fleet().See(false), Fleet.Start).Code);

    [Fact]
    public void A_trigger_fires_on_an_answer_alone()
    {
        var fleet = Started("prom:errors < 1%", trigger: "prom:errors > 5%");
        fleet.Now += TimeSpan.FromSeconds(3);
        Look(fleet, new QueriedMetric(0.2, fleet.Now, fleet.Now, null));

        Assert.Equal((RolloutReasons.Trigger, 0.2, 0.05), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Measured, fleet.Rollout.Why.Limit));
    }

    [Theory]
    [InlineData(QueryCodes.Unavailable, RolloutReasons.Inconclusive)]
    [InlineData(QueryCodes.Pending, QueryCodes.Pending)]
    public void From_a_query_that_was_just_asked_nothing_follows_yet(string code, string why)
    {
        var fleet = Started("prom:errors < 1%", plan => plan with { OnInconclusive = OnInconclusive.Rollback });
        for (var end = fleet.Now + Window; fleet.Now < end; fleet.Now += TimeSpan.FromSeconds(5))
        {
            Look(fleet, new QueriedMetric(0, fleet.Now, fleet.Now, null));
        }

        Look(fleet, QueriedMetric.Without(code));

        Assert.Equal(why, fleet.Rollout.Why.Code);
    }

    [Fact]
    public void What_to_ask_is_of_the_stage_and_its_window_and_asked_as_long_as_something_follows()
    {
        var fleet = Started("prom:errors < 1% or prom:alerts < 1", trigger: "prom:errors > 5%");
        var asked = RolloutDecider.Queries(fleet.Rollout);

        Assert.Equal(
            [new MetricQuery("errors", "default", "edge", Fleet.V2, Fleet.Start, Window), new MetricQuery("alerts", "default", "edge", Fleet.V2, Fleet.Start, Window)],
            asked);
        fleet.Now += TimeSpan.FromSeconds(20);
        fleet.Do(new RolloutCommand.Pause(Fleet.Author, "lunch"));
        Assert.Equal(asked, RolloutDecider.Queries(fleet.Rollout));
        fleet.Do(new RolloutCommand.Resume(Fleet.Author, "lunch is over"));
        Assert.All(RolloutDecider.Queries(fleet.Rollout), query => Assert.Equal(fleet.Now, query.Since));
        fleet.Waiting = 1;
        fleet.Do(new RolloutCommand.RollBack(Fleet.Author, "no", fleet.Directive, fleet.Now));
        Assert.Empty(RolloutDecider.Queries(fleet.Rollout));
        fleet.Waiting = 0;
        fleet.Look();
        Assert.Empty(RolloutDecider.Queries(fleet.Rollout));
        var shadow = new Fleet();
        shadow.StartRollout(Plan("prom:errors < 1%") with { Shadow = true });
        Assert.Empty(RolloutDecider.Queries(shadow.Rollout));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.9, 1)]
    [InlineData(12.7, 12)]
    [InlineData(60, 60)]
    [InlineData(600, 60)]
    public void It_looks_back_to_where_the_window_began_and_no_further_than_one(double seconds, double back) => Assert.Equal(
        back, new MetricQuery("errors", "default", "edge", Fleet.V2, Fleet.Start, Window).LookBackAt(Fleet.Start.AddSeconds(seconds)).TotalSeconds);

    [Fact]
    public void Audit_entries_have_the_answers_that_counted()
    {
        var fleet = Started("prom:errors < 1%", trigger: "prom:errors > 5%");
        var before = fleet.Rollout;
        var old = fleet.Now.AddSeconds(-61);
        var seen = fleet.See(false) with
        {
            Queried = Queried(new QueriedMetric(0.2, fleet.Now, fleet.Now, null)).Add("prom:alerts", new QueriedMetric(1, old, old, null)).Add("prom:faults", QueriedMetric.Without(QueryCodes.Empty)),
        };
        fleet.Do(new RolloutCommand.Observe(seen));

        var told = Assert.Single(RolloutAudit.Describe(before, fleet.Rollout, fleet.Events[^1], seen));

        Assert.Equal((RolloutCodes.RolledBack, 0.2), (told.Code, told.Metrics!["prom:errors"]));
        Assert.False(told.Metrics.ContainsKey("prom:alerts") || told.Metrics.ContainsKey("prom:faults"));
    }

    private static Fleet Started(string criterion, Func<RolloutPlan, RolloutPlan>? change = null, string trigger = "error_rate > 5%")
    {
        var fleet = new Fleet();
        var plan = Plan(criterion, trigger);
        Assert.True(fleet.StartRollout(change?.Invoke(plan) ?? plan).Succeeded);
        return fleet;
    }

    private static void Look(Fleet fleet, QueriedMetric answer) =>
        fleet.Do(new RolloutCommand.Observe(fleet.See(RolloutDecider.WantsCensus(fleet.Rollout, fleet.Now)) with { Queried = Queried(answer) }));

    private static Verdict Judged(string criterion, QueriedMetric answer) =>
        Judge.Judged(Plan(criterion), Plan(criterion).Stages[0], new Fleet().See(false) with { Queried = Queried(answer) }, Fleet.Start);

    private static CriterionResult? Fired(string trigger, QueriedMetric answer) =>
        Judge.Fired(trigger, new Fleet().See(false) with { Queried = Queried(answer) }, new JudgeTerms(100, 60));

    private static ImmutableSortedDictionary<string, QueriedMetric> Queried(QueriedMetric answer) =>
        ImmutableSortedDictionary<string, QueriedMetric>.Empty.Add("prom:errors", answer);

    private static RolloutPlan Plan(string criterion, string trigger = "error_rate > 5%")
    {
        var plan = Fleet.Plan(5, 20, 100);
        return plan with { Stages = [.. plan.Stages.Select(stage => stage with { SuccessCriteria = [criterion], RollbackTrigger = trigger })] };
    }

    private static PlanReading Read(string text, params ReadOnlySpan<string> queries) =>
        PlanReader.Read(Json(text), new PlanContext { Queries = queries.ToArray().ToHashSet(StringComparer.Ordinal) });

    private static JsonElement Json(string text) => PlanReaderTests.Json(PlanReaderTests.Valid, json =>
    {
        var stage = json["wedge_stages"]![0]!;
        (stage["success_criteria"], stage["rollback_trigger"]) = (new JsonArray(text), text);
    });
}
