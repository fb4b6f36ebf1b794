using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class PlanGenerateTests
{
    private const string Linear =
        """
        {
          "generate": {"stages": 5, "duration_hours": 2, "success_criteria": ["error_rate < 1%"], "rollback_trigger": "error_rate > 5%"},
          "initial_percentage": 20, "increment_policy": "linear", "max_blast_radius": 100, "observation_window_hours": 1, "wedge_state": "PENDING"
        }
        """;

    [Fact]
    public void Linear_grows_by_equal_steps_from_the_initial_percentage_to_the_whole_fleet()
    {
        var reading = Read();

        Assert.Empty(reading.Errors);
        Assert.Equal([20m, 40m, 60m, 80m, 100m], reading.Plan!.Stages.Select(stage => stage.TargetPercentage));
        Assert.Equal(["stage-1", "stage-2", "stage-3", "stage-4", "stage-5"], reading.Plan.Stages.Select(stage => stage.StageId));
        Assert.All(reading.Plan.Stages, stage => Assert.Equal(
            (2.0, "error_rate < 1%", "error_rate > 5%"), (stage.DurationHours, stage.SuccessCriteria.Single(), stage.RollbackTrigger)));
        Assert.Equal(15, reading.PlannedHours);
        Assert.Null(reading.InitialWindowHours);
        Assert.Equal(new StageSize("stage-1", 20, null, 2), reading.Stages[0]);
    }

    [Fact]
    public void Exponential_grows_by_equal_factors_between_exact_ends()
    {
        var reading = Read(json => json["increment_policy"] = "exponential", generate =>
        {
            generate["first_percentage"] = 25;
            generate["stages"] = 3;
        });

        Assert.Equal([25m, 50m, 100m], reading.Plan!.Stages.Select(stage => stage.TargetPercentage));
        Assert.Equal(1, reading.InitialWindowHours);
    }

    [Theory]
    [InlineData("linear", 0.000001, 100)]
    [InlineData("exponential", 0.0000001, 100)]
    [InlineData("linear", 24.9, 25)]
    [InlineData("exponential", 3, 37)]
    public void What_was_generated_passes_as_given(string policy, double first, double last)
    {
        var reading = Read(
            json => (json["increment_policy"], json["initial_percentage"]) = (policy, first),
            generate => (generate["stages"], generate["last_percentage"]) = (17, last));
        Assert.Empty(reading.Errors);

        var stages = new JsonArray();
        foreach (var stage in reading.Plan!.Stages)
        {
            stages.Add(JsonSerializer.SerializeToNode(stage, PolicyJson.Options));
        }

        var given = JsonNode.Parse(Linear)!.AsObject();
        given.Remove("generate");
        (given["wedge_stages"], given["increment_policy"], given["initial_percentage"]) = (stages, policy, first);
        Assert.Empty(PlanReader.Read(JsonSerializer.SerializeToElement(given), new PlanContext()).Errors);
    }

    [Fact]
    public void It_may_begin_at_nothing_by_steps() =>
        Assert.Equal([0m, 50m, 100m], Read(null, generate => (generate["first_percentage"], generate["stages"]) = (0, 3)).Stages.Select(stage => stage.TargetPercentage!.Value));

    [Theory]
    [InlineData("stages", null, "plan.missing_field", "$.generate.stages")]
    [InlineData("stages", "1", "plan.generate.stages", "$.generate.stages")]
    [InlineData("stages", "101", "plan.generate.stages", "$.generate.stages")]
    [InlineData("first_percentage", "-1", "plan.generate.first_percentage", "$.generate.first_percentage")]
    [InlineData("first_percentage", "30", "plan.stage.first_target_above_25", "$.generate.first_percentage")]
    [InlineData("last_percentage", "101", "plan.generate.last_percentage", "$.generate.last_percentage")]
    [InlineData("last_percentage", "20", "plan.generate.last_percentage", "$.generate.last_percentage")]
    [InlineData("duration_hours", "0", "plan.stage.duration_hours", "$.generate.duration_hours")]
    [InlineData("success_criteria", "[]", "plan.stage.success_criteria", "$.generate.success_criteria")]
    [InlineData("rollback_trigger", "5", "plan.stage.rollback_trigger", "$.generate.rollback_trigger")]
    public void What_does_not_fit_is_named_with_its_place(string field, string? value, string code, string path)
    {
        var reading = Read(null, generate =>
        {
            generate.Remove(field);
            if (value is not null)
            {
                generate[field] = JsonNode.Parse(value);
            }
        });

        Assert.Contains((code, path), reading.Errors.Select(error => (error.Code, error.Path)));
        Assert.Null(reading.Plan);
    }

    [Fact]
    public void A_plan_has_its_stages_given_or_generated_and_by_a_policy_that_grows()
    {
        Assert.Equal("plan.generate.with_stages", Assert.Single(Read(json => json["wedge_stages"] = new JsonArray()).Errors).Code);
        Assert.Equal("plan.generate.manual", Assert.Single(Read(json => json["increment_policy"] = "manual").Errors).Code);
        Assert.Equal("plan.generate", Assert.Single(Read(json => json["generate"] = 5).Errors).Code);
        Assert.Equal(
            "plan.generate.first_percentage",
            Assert.Single(Read(json => json["increment_policy"] = "exponential", generate => generate["first_percentage"] = 0).Errors, error => error.Code.StartsWith("plan.generate", StringComparison.Ordinal)).Code);
        Assert.Contains("plan.initial_above_first_target", Read(null, generate => generate["first_percentage"] = 10).Errors.Select(error => error.Code));
    }

    [Fact]
    public void Warnings_name_what_stands_in_the_plan_once()
    {
        var reading = Read(null, generate =>
        {
            generate["duration_hours"] = 0.5;
            generate["last_percentage"] = 60;
            generate["success_criteria"] = new JsonArray("looks fine");
        });

        Assert.Equal(
            [
                ("plan.stage.criterion_manual", "$.generate.success_criteria[0]"),
                ("plan.duration_below_window", "$.generate.duration_hours"),
                ("plan.ends_below_100", "$.generate"),
            ],
            reading.Warnings.Select(warning => (warning.Code, warning.Path)));
    }

    [Fact]
    public void A_fleet_too_small_for_a_generated_stage_is_refused_where_it_is_made()
    {
        var census = ImmutableArray.CreateRange(Enumerable.Range(1, 4).Select(i =>
            new CensusUnit($"node:n{i}", "a", i, ImmutableSortedDictionary<string, int>.Empty.Add("a", 1))));

        var reading = PlanReader.Read(JsonSerializer.SerializeToElement(JsonNode.Parse(Linear)), new PlanContext { Census = census });

        Assert.Equal(("plan.fleet_too_small", "$.generate"), (reading.Errors[0].Code, reading.Errors[0].Path));
        Assert.Equal([0, 1, 2, 3, 4], reading.Stages.Select(stage => stage.Nodes!.Value));
    }

    [Theory]
    [InlineData("[1e-28, 50, 100]", false)]
    [InlineData("[1e-28, 1e-14, 1]", true)]
    [InlineData("[0, 0.5, 1]", false)]
    public void Factors_beyond_the_range_of_decimals_are_factors_too(string targets, bool fits)
    {
        var json = JsonNode.Parse(PlanReaderTests.Valid)!.AsObject();
        var stages = json["wedge_stages"]!.AsArray();
        stages.Insert(1, JsonNode.Parse(stages[0]!.ToJsonString().Replace("canary", "middle", StringComparison.Ordinal)));
        foreach (var (target, i) in JsonNode.Parse(targets)!.AsArray().Select((target, i) => (target, i)))
        {
            stages[i]!["target_percentage"] = target!.DeepClone();
        }

        (json["increment_policy"], json["initial_percentage"]) = ("exponential", JsonNode.Parse("1e-28"));

        var errors = PlanReader.Read(JsonSerializer.SerializeToElement(json), new PlanContext()).Errors.Select(error => error.Code);

        Assert.Equal(!fits, errors.Contains("plan.increment_not_exponential"));
    }

    private static PlanReading Read(Action<JsonObject>? change = null, Action<JsonObject>? changeGenerate = null)
    {
        var json = JsonNode.Parse(Linear)!.AsObject();
        change?.Invoke(json);
        if (json["generate"] is JsonObject generate)
        {
            changeGenerate?.Invoke(generate);
        }

        return PlanReader.Read(JsonSerializer.SerializeToElement(json), new PlanContext());
    }
}
