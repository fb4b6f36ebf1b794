namespace OrleansPolicy.Client.Tests.Cli;

public sealed class RolloutCommandTests
{
    private const string Plan = """
        {"rollout_wedge":{"wedge_stages":[{"stage_id":"canary","target_percentage":5,"duration_hours":1},{"stage_id":"half","target_percentage":50,"duration_hours":2}]}}
        """;

    [Fact]
    public async Task A_valid_plan_is_shown_with_a_bar_for_each_stage()
    {
        await using var plane = await PlaneThatAnswersAsync(new
        {
            Valid = true,
            Errors = Array.Empty<Problem>(),
            Warnings = new[] { new Problem("plan.ends_below_100", "The plan ends at 50 %.", "$.wedge_stages[1]") },
            PlannedHours = 3,
            Stages = new object[] { new { StageId = "canary", TargetPercentage = 5, Nodes = 5 }, new { StageId = "half", TargetPercentage = 50, Nodes = 50 } },
        });
        var run = await ValidateAsync(plane);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("██░░░░", run.Out, StringComparison.Ordinal);
        Assert.Contains("████████████████████░░░░░░░░░░░░░░░░░░░░", run.Out, StringComparison.Ordinal);
        Assert.Contains("plan.ends_below_100", run.Out, StringComparison.Ordinal);
        Assert.Matches(@"half\s+│ 50 %\s+│ [█░]+ │ 50\s+│ 2", run.Out);
    }

    [Fact]
    public async Task An_invalid_plan_is_1_and_each_error_has_its_path()
    {
        await using var plane = await PlaneThatAnswersAsync(new
        {
            Valid = false,
            Errors = new[] { new Problem("plan.stage.order", "Must rise.", "$.wedge_stages[1].target_percentage"), new Problem("plan.radius", "Too wide.", "$.max_blast_radius") },
            Warnings = Array.Empty<Problem>(),
            PlannedHours = 0,
            Stages = Array.Empty<object>(),
        });
        var run = await ValidateAsync(plane);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("2 errors", run.Out, StringComparison.Ordinal);
        Assert.Contains("$.wedge_stages[1].target_percentage", run.Out, StringComparison.Ordinal);
        Assert.Contains("$.max_blast_radius", run.Out, StringComparison.Ordinal);
        var json = await ValidateAsync(plane, "--json");
        Assert.Equal("plan.radius", json.Json.GetProperty("errors")[1].GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("COMPLETE", 0)]
    [InlineData("ROLLED_BACK", 1)]
    public async Task Watching_ends_with_the_rollout(string end, int exitCode)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var looks = 0;
        plane.Intercept = async http =>
        {
            var state = ++looks < 3 ? "ACTIVE" : end;
            await FakeControlPlane.Json(new
            {
                RolloutId = "r",
                Kind = "rollout",
                Fleet = "edge",
                Target = new string('a', 64),
                State = state,
                StageId = "canary",
                Percentage = 5,
                Reason = "r",
                Why = new { Code = "stage.window", Sentence = $"It is {state}.", Since = DateTimeOffset.UnixEpoch },
                Nodes = new { Assigned = 5, Acked = 5, Nacked = 0, Silent = 0, Fenced = 0 },
            }).ExecuteAsync(http);
            return true;
        };
        var run = await CliRun.RunAsync("rollout", "watch", "r", "--server", plane.Address.ToString(), "--key", "k");
        Assert.Equal(exitCode, run.ExitCode);
        Assert.Equal(2, run.Out.Trim().Split('\n').Length);
        Assert.Contains($"It is {end}.", run.Out, StringComparison.Ordinal);
    }

    private static Task<CliRun> ValidateAsync(FakeControlPlane plane, params string[] more) =>
        CliRun.RunInAsync([], Plan, ["rollout", "validate", "-", "--fleet", "edge", "--server", plane.Address.ToString(), "--key", "k", .. more]);

    private static async Task<FakeControlPlane> PlaneThatAnswersAsync(object answer)
    {
        var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(answer).ExecuteAsync(http);
            return true;
        };
        return plane;
    }
}
