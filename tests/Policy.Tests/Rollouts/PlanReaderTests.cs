using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class PlanReaderTests
{
    internal const string Valid =
        """
        {
          "wedge_stages": [
            {"stage_id": "canary", "target_percentage": 5, "duration_hours": 2, "success_criteria": ["error_rate < 1%"], "rollback_trigger": "error_rate > 5%"},
            {"stage_id": "wide", "target_percentage": 100, "duration_hours": 4, "success_criteria": ["error_rate < 1%", "p99 < 200ms"], "rollback_trigger": "error_rate > 5%"}
          ],
          "initial_percentage": 5, "increment_policy": "linear", "max_blast_radius": 100, "observation_window_hours": 1, "wedge_state": "PENDING"
        }
        """;

    [Fact]
    public void A_valid_plan_is_read_with_its_defaults()
    {
        var reading = Read(Valid);

        Assert.Empty(reading.Errors);
        Assert.Empty(reading.Warnings);
        Assert.Equal(8, reading.PlannedHours);
        Assert.Null(reading.InitialWindowHours);
        Assert.Equal([new StageSize("canary", 5, null, 2), new StageSize("wide", 100, null, 4)], reading.Stages);
        var plan = reading.Plan!;
        Assert.Equal(
            (5m, IncrementPolicy.Linear, 100m, 1.0, false, OnInconclusive.Hold, OnFail.Hold, OnDisarm.Hold),
            (plan.InitialPercentage, plan.IncrementPolicy, plan.MaxBlastRadius, plan.ObservationWindowHours, plan.AdvanceEarly,
                plan.OnInconclusive, plan.OnFail, plan.OnDisarm));
        Assert.Equal(
            (60, NackBudget.None, 100, 60.0, 99m, null, false, null),
            (plan.RollbackDeadlineSec, plan.NackBudget, plan.MinSamples, plan.FreshnessSec, plan.MinAckedPercentage, plan.Caps, plan.Shadow, plan.Backtest));
        Assert.Equal(["error_rate < 1%", "p99 < 200ms"], plan.Stages[1].SuccessCriteria);
    }

    [Fact]
    public void Every_optional_field_is_read()
    {
        var plan = Read(Valid, json =>
        {
            json["advance_early"] = true;
            json["on_inconclusive"] = "extend";
            json["on_fail"] = "freeze";
            json["on_disarm"] = "rollback";
            json["rollback_deadline_sec"] = 30;
            json["nack_budget"] = "2.5%";
            json["min_samples"] = 7;
            json["freshness_sec"] = 0.5;
            json["min_acked_percentage"] = 80.5;
            json["caps"] = new JsonObject { ["per_domain"] = 3, ["max_nodes"] = 40 };
            json["shadow"] = true;
            json["backtest"] = new JsonObject { ["max_changed_decisions"] = 12, ["min_records"] = 500 };
        }).Plan!;

        Assert.Equal(
            (true, OnInconclusive.Extend, OnFail.Freeze, OnDisarm.Rollback, 30, new NackBudget(null, 2.5m)),
            (plan.AdvanceEarly, plan.OnInconclusive, plan.OnFail, plan.OnDisarm, plan.RollbackDeadlineSec, plan.NackBudget));
        Assert.Equal(
            (7, 0.5, 80.5m, new PlanCaps(3, 40), true, new PlanBacktest(12) { MinRecords = 500 }),
            (plan.MinSamples, plan.FreshnessSec, plan.MinAckedPercentage, plan.Caps, plan.Shadow, plan.Backtest));
    }

    [Theory]
    [InlineData("rollback", OnInconclusive.Rollback, "on_inconclusive")]
    [InlineData("hold", OnInconclusive.Hold, "on_inconclusive")]
    public void Words_are_read(string word, OnInconclusive meaning, string field) =>
        Assert.Equal(meaning, Read(Valid, json => json[field] = word).Plan!.OnInconclusive);

    [Fact]
    public void Null_in_an_optional_field_is_its_default() => Assert.Empty(Read(Valid, json =>
    {
        foreach (var field in (string[])["advance_early", "on_fail", "nack_budget", "min_samples", "freshness_sec", "caps", "shadow", "backtest"])
        {
            json[field] = null;
        }
    }).Errors);

    [Theory]
    [InlineData("wedge_stages", "{}", "plan.wedge_stages")]
    [InlineData("wedge_stages", "null", "plan.wedge_stages")]
    [InlineData("wedge_stages", "[]", "plan.stages_too_few")]
    [InlineData("initial_percentage", "true", "plan.initial_percentage")]
    [InlineData("initial_percentage", "\"5\"", "plan.initial_percentage")]
    [InlineData("initial_percentage", "100.5", "plan.initial_percentage")]
    [InlineData("initial_percentage", "1e400", "plan.initial_percentage")]
    [InlineData("initial_percentage", "null", "plan.initial_percentage")]
    [InlineData("initial_percentage", "5.1", "plan.initial_above_first_target")]
    [InlineData("increment_policy", "\"Linear\"", "plan.increment_policy")]
    [InlineData("increment_policy", "7", "plan.increment_policy")]
    [InlineData("increment_policy", "null", "plan.increment_policy")]
    [InlineData("max_blast_radius", "\"wide\"", "plan.max_blast_radius")]
    [InlineData("max_blast_radius", "50", "plan.max_blast_radius_below_target")]
    [InlineData("observation_window_hours", "0.999", "plan.observation_window_hours")]
    [InlineData("observation_window_hours", "8760.1", "plan.observation_window_hours")]
    [InlineData("observation_window_hours", "[]", "plan.observation_window_hours")]
    [InlineData("wedge_state", "\"pending\"", "plan.wedge_state")]
    [InlineData("wedge_state", "3", "plan.wedge_state")]
    [InlineData("advance_early", "\"yes\"", "plan.advance_early")]
    [InlineData("on_inconclusive", "\"freeze\"", "plan.on_inconclusive")]
    [InlineData("on_fail", "\"extend\"", "plan.on_fail")]
    [InlineData("on_disarm", "1", "plan.on_disarm")]
    [InlineData("rollback_deadline_sec", "24", "plan.rollback_deadline_sec")]
    [InlineData("rollback_deadline_sec", "61", "plan.rollback_deadline_sec")]
    [InlineData("rollback_deadline_sec", "30.5", "plan.rollback_deadline_sec")]
    [InlineData("nack_budget", "-1", "plan.nack_budget")]
    [InlineData("nack_budget", "1.5", "plan.nack_budget")]
    [InlineData("nack_budget", "\"2\"", "plan.nack_budget")]
    [InlineData("nack_budget", "\"101%\"", "plan.nack_budget")]
    [InlineData("nack_budget", "\"x%\"", "plan.nack_budget")]
    [InlineData("nack_budget", "{}", "plan.nack_budget")]
    [InlineData("nack_budget", "3000000000", "plan.nack_budget")]
    [InlineData("min_samples", "0", "plan.min_samples")]
    [InlineData("min_samples", "1e30", "plan.min_samples")]
    [InlineData("freshness_sec", "0", "plan.freshness_sec")]
    [InlineData("freshness_sec", "86401", "plan.freshness_sec")]
    [InlineData("min_acked_percentage", "0", "plan.min_acked_percentage")]
    [InlineData("min_acked_percentage", "100.1", "plan.min_acked_percentage")]
    [InlineData("caps", "3", "plan.caps")]
    [InlineData("caps", "{\"per_domain\":0}", "plan.caps.per_domain")]
    [InlineData("caps", "{\"max_nodes\":\"many\"}", "plan.caps.max_nodes")]
    [InlineData("shadow", "0", "plan.shadow")]
    [InlineData("backtest", "[]", "plan.backtest")]
    [InlineData("backtest", "{\"max_changed_decisions\":-1}", "plan.backtest.max_changed_decisions")]
    [InlineData("backtest", "{\"max_changed_decisions\":1e13}", "plan.backtest.max_changed_decisions")]
    [InlineData("backtest", "{\"max_changed_decisions\":\"101%\"}", "plan.backtest.max_changed_decisions")]
    [InlineData("backtest", "{\"max_changed_decisions\":\"few\"}", "plan.backtest.max_changed_decisions")]
    [InlineData("backtest", "{\"max_changed_decisions\":[]}", "plan.backtest.max_changed_decisions")]
    [InlineData("backtest", "{\"min_records\":0}", "plan.backtest.min_records")]
    [InlineData("backtest", "{\"min_records\":10001}", "plan.backtest.min_records")]
    public void A_value_that_does_not_fit_has_its_code(string field, string value, string code)
    {
        var errors = Read(Valid, json => json[field] = JsonNode.Parse(value)).Errors;

        Assert.Contains(errors, problem => problem.Code == code && problem.Path.StartsWith("$." + field, StringComparison.Ordinal));
        Assert.All(errors, problem => Assert.EndsWith(".", problem.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("stage_id", "\" \"", "plan.stage.stage_id")]
    [InlineData("stage_id", "7", "plan.stage.stage_id")]
    [InlineData("stage_id", "\"wide\"", "plan.stage.stage_id_duplicate")]
    [InlineData("target_percentage", "false", "plan.stage.target_percentage")]
    [InlineData("target_percentage", "\"5\"", "plan.stage.target_percentage")]
    [InlineData("target_percentage", "-1", "plan.stage.target_percentage")]
    [InlineData("target_percentage", "100.01", "plan.stage.target_percentage")]
    [InlineData("target_percentage", "25.01", "plan.stage.first_target_above_25")]
    [InlineData("target_percentage", "100", "plan.stage.target_not_increasing")]
    [InlineData("target_percentage", "4", "plan.initial_above_first_target")]
    [InlineData("duration_hours", "0", "plan.stage.duration_hours")]
    [InlineData("duration_hours", "8761", "plan.stage.duration_hours")]
    [InlineData("duration_hours", "1e999", "plan.stage.duration_hours")]
    [InlineData("success_criteria", "\"error_rate < 1\"", "plan.stage.success_criteria")]
    [InlineData("success_criteria", "[]", "plan.stage.success_criteria")]
    [InlineData("success_criteria", "[1]", "plan.stage.success_criterion")]
    [InlineData("success_criteria", "[\"\"]", "plan.stage.success_criterion")]
    [InlineData("rollback_trigger", "\"\"", "plan.stage.rollback_trigger")]
    [InlineData("rollback_trigger", "[]", "plan.stage.rollback_trigger")]
    [InlineData("rollback_trigger", "\"\\ud800\"", "plan.stage.rollback_trigger")]
    public void A_stage_value_that_does_not_fit_has_its_code(string field, string value, string code)
    {
        // As text: a node tree cannot hold half a surrogate pair or a number beyond the doubles.
        var stages = JsonNode.Parse(Valid)!.AsObject();
        stages["wedge_stages"]![0]![field] = "REPLACED";

        var errors = Read(stages.ToJsonString().Replace("\"REPLACED\"", value, StringComparison.Ordinal)).Errors;

        Assert.Contains(errors, problem => problem.Code == code);
    }

    [Theory]
    [InlineData("wedge_stages")]
    [InlineData("initial_percentage")]
    [InlineData("increment_policy")]
    [InlineData("max_blast_radius")]
    [InlineData("observation_window_hours")]
    [InlineData("wedge_state")]
    public void Every_mandatory_field_is_missed(string field)
    {
        var problem = Assert.Single(Read(Valid, json => json.Remove(field)).Errors);

        Assert.Equal((PlanProblems.MissingField, "$." + field), (problem.Code, problem.Path));
    }

    [Theory]
    [InlineData("stage_id")]
    [InlineData("target_percentage")]
    [InlineData("duration_hours")]
    [InlineData("success_criteria")]
    [InlineData("rollback_trigger")]
    public void Every_mandatory_field_of_a_stage_is_missed(string field)
    {
        var problem = Assert.Single(Read(Valid, json => json["wedge_stages"]![1]!.AsObject().Remove(field)).Errors);

        Assert.Equal((PlanProblems.MissingField, "$.wedge_stages[1]." + field), (problem.Code, problem.Path));
    }

    [Fact]
    public void Everything_wrong_is_told_at_once()
    {
        var codes = Read(
            """{"wedge_stages":[7,{"stage_id":"","target_percentage":30,"success_criteria":[" "]}],"initial_percentage":0,"max_blast_radius":1}""")
            .Errors.Select(problem => problem.Code).ToArray();

        Assert.Equal(
            [
                "plan.stage.not_an_object", "plan.stage.stage_id", "plan.missing_field", "plan.stage.success_criterion", "plan.missing_field",
                "plan.initial_percentage", "plan.missing_field", "plan.missing_field", "plan.missing_field", "plan.max_blast_radius_below_target",
            ],
            codes);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("\"plan\"")]
    [InlineData("true")]
    public void What_is_no_object_is_no_plan(string json) => Assert.Equal(PlanProblems.NotAnObject, Assert.Single(Read(json).Errors).Code);

    [Fact]
    public void Nothing_is_no_plan() => Assert.Equal(PlanProblems.Missing, Assert.Single(PlanReader.Read(default, new PlanContext()).Errors).Code);

    [Fact]
    public void Unknown_fields_are_warned_of_and_repeated_ones_refused()
    {
        var reading = Read(Valid.Replace("\"initial_percentage\": 5", "\"initial_percentage\": 5, \"initial_percentage\": 5, \"max_blast\": 1", StringComparison.Ordinal));

        Assert.Equal((PlanProblems.UnknownField, "$.max_blast"), (Assert.Single(reading.Warnings).Code, reading.Warnings[0].Path));
        Assert.Equal((PlanProblems.DuplicateField, "$.initial_percentage"), (Assert.Single(reading.Errors).Code, reading.Errors[0].Path));
    }

    [Fact]
    public void A_million_unknown_fields_do_not_make_a_million_problems()
    {
        var fields = string.Join(',', Enumerable.Range(0, 5_000).Select(i => $"\"x{i}\":1"));

        Assert.Equal(PlanReader.ProblemsMax, Read("{" + fields + "}").Warnings.Length);
    }

    [Fact]
    public void Stages_and_criteria_are_bounded()
    {
        var many = Read(Valid, json =>
        {
            var stages = json["wedge_stages"]!.AsArray();
            while (stages.Count < 150)
            {
                stages.Add(stages[1]!.DeepClone());
            }

            stages[0]!["success_criteria"] = new JsonArray([.. Enumerable.Range(0, 33).Select(i => JsonValue.Create("a < 1"))]);
            stages[0]!["stage_id"] = new string('x', 129);
            stages[1]!["rollback_trigger"] = new string('x', 1_001);
        });

        Assert.Equal(PlanReader.StagesMax, many.Stages.Length);
        Assert.Contains(many.Errors, problem => problem.Code == PlanProblems.StagesTooMany);
        Assert.Contains(many.Errors, problem => problem is { Code: PlanProblems.Criteria, Path: "$.wedge_stages[0].success_criteria" });
        Assert.Contains(many.Errors, problem => problem is { Code: PlanProblems.StageId, Path: "$.wedge_stages[0].stage_id" });
        Assert.Contains(many.Errors, problem => problem is { Code: PlanProblems.Trigger, Path: "$.wedge_stages[1].rollback_trigger" });
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(10.5, false)]
    public void A_critical_subsystem_begins_with_ten_percent_at_most(double initial, bool valid)
    {
        var json = Json(Valid, plan =>
        {
            plan["initial_percentage"] = initial;
            plan["wedge_stages"]![0]!["target_percentage"] = 20;
        });

        var errors = PlanReader.Read(json, new PlanContext { Critical = true }).Errors;

        Assert.Equal(valid ? [] : [PlanProblems.InitialCritical], errors.Select(problem => problem.Code));
        Assert.Empty(PlanReader.Read(json, new PlanContext()).Errors);
    }

    [Theory]
    [InlineData("linear", true, "5.0, 10, 15")]
    [InlineData("linear", false, "5.0, 10, 16")]
    [InlineData("linear", true, "5.0, 37.5, 70, 102.5")]
    [InlineData("linear", true, "5.0, 60")]
    [InlineData("exponential", true, "5.0, 10, 20, 40, 80")]
    [InlineData("exponential", false, "5.0, 10, 15")]
    [InlineData("exponential", true, "1.0, 10, 100")]
    [InlineData("exponential", true, "3.0, 10, 33.3333333333")]
    [InlineData("exponential", false, "3.0, 10, 33.333")]
    [InlineData("exponential", false, "0.0, 10, 20")]
    [InlineData("exponential", true, "5.0, 6")]
    [InlineData("manual", true, "5.0, 20, 50, 100")]
    [InlineData("linear", false, "5.0, 20, 50, 100")]
    public void Increments_are_checked_from_three_stages_on(string policy, bool fits, string percentages)
    {
        var targets = percentages.Split(',').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        var codes = Read(Valid, json =>
        {
            json["increment_policy"] = policy;
            json["initial_percentage"] = Math.Max(targets[0], 0.5);
            var stage = json["wedge_stages"]![0]!;
            json["wedge_stages"] = new JsonArray([.. targets.Select((target, i) =>
            {
                var copy = stage.DeepClone();
                copy["stage_id"] = $"s{i}";
                copy["target_percentage"] = target;
                return copy;
            })]);
        }).Errors.Select(problem => problem.Code);

        // A target that is no percentage leaves nothing to compare.
        var code = policy == "linear" ? PlanProblems.NotLinear : PlanProblems.NotExponential;
        Assert.Equal(!fits, codes.Contains(code));
    }

    [Fact]
    public void What_is_allowed_but_perhaps_not_meant_is_warned_of()
    {
        var reading = Read(Valid, json =>
        {
            json["observation_window_hours"] = 3;
            json["wedge_stages"]![0]!["success_criteria"] = new JsonArray("looks fine to ops");
            json["wedge_stages"]![1]!["rollback_trigger"] = "when ops says so";
            json["wedge_stages"]![1]!["target_percentage"] = 80;
        });

        Assert.True(reading.Valid);
        Assert.Equal(
            [
                (PlanProblems.CriterionManual, "$.wedge_stages[0].success_criteria[0]"), (PlanProblems.TriggerManual, "$.wedge_stages[1].rollback_trigger"),
                (PlanProblems.DurationBelowWindow, "$.wedge_stages[0].duration_hours"),
                (PlanProblems.EndsBelow100, "$.wedge_stages[1].target_percentage"),
            ],
            reading.Warnings.Select(problem => (problem.Code, problem.Path)));
        Assert.Contains("column 7", reading.Warnings[0].Message, StringComparison.Ordinal);
        Assert.Contains("column 6", reading.Warnings[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_initial_percentage_below_the_first_target_adds_a_window()
    {
        var reading = Read(Valid, json => json["initial_percentage"] = 1);

        Assert.Equal((8.0, 1.0), (reading.PlannedHours, reading.InitialWindowHours));
        Assert.Equal(1, reading.Plan!.InitialPercentage);
    }

    [Theory]
    [InlineData("{\"wedge_stages\":[{\"duration_hours\":1e308},{\"duration_hours\":1e308}]}", 0)]
    [InlineData("{\"wedge_stages\":[{\"duration_hours\":\"2\"},7,{\"duration_hours\":3}],\"observation_window_hours\":2}", 9)]
    [InlineData("{\"wedge_stages\":{},\"observation_window_hours\":2}", 0)]
    [InlineData("[]", 0)]
    public void Planned_hours_count_what_is_a_number(string json, double hours)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Equal(hours, PlanReader.PlannedHours(document.RootElement));
    }

    internal static PlanReading Read(string json, Action<JsonObject>? change = null) => PlanReader.Read(Json(json, change), new PlanContext());

    internal static JsonElement Json(string json, Action<JsonObject>? change)
    {
        if (change is not null)
        {
            var node = JsonNode.Parse(json)!.AsObject();
            change(node);
            json = node.ToJsonString();
        }

        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
