using System.Text.Json;

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
            InitialWindowHours = 1,
            ShadowWindowHours = 1,
            Stages = new object[]
            {
                new { StageId = "canary", TargetPercentage = 5, Nodes = 5, DurationHours = 1 }, new { StageId = "half", TargetPercentage = 50, Nodes = 50, DurationHours = 2 },
            },
        });
        var run = await ValidateAsync(plane);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Stage canary begins at the initial percentage, for 1 contract hours more.", run.Out, StringComparison.Ordinal);
        Assert.Contains("Before the first stage every node evaluates the bundle beside the one in force, for 1 contract hours more.", run.Out, StringComparison.Ordinal);
        Assert.Contains("██░░░░", run.Out, StringComparison.Ordinal);
        Assert.Contains("████████████████████░░░░░░░░░░░░░░░░░░░░", run.Out, StringComparison.Ordinal);
        Assert.Contains("plan.ends_below_100", run.Out, StringComparison.Ordinal);
        Assert.Matches(@"half\s+│ 50 %\s+│ [█░]+ │ 50\s+│ 2", run.Out);
    }

    [Fact]
    public async Task An_invalid_plan_is_1_and_each_error_has_its_place_and_path()
    {
        await using var plane = await PlaneThatAnswersAsync(new
        {
            Valid = false,
            Errors = new[] { new Problem("plan.stage.order", "Must rise.", "$.rollout_wedge.wedge_stages[1].target_percentage"), new Problem("plan.radius", "Too wide.", "$.rollout_wedge.max_blast_radius") },
            Warnings = Array.Empty<Problem>(),
            PlannedHours = 0,
            Stages = new object[] { new { StageId = (string?)null, TargetPercentage = (int?)null } },
        });
        var run = await ValidateAsync(plane);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("2 errors", run.Out, StringComparison.Ordinal);
        Assert.Matches(@"Must rise\.\s+│ 1:137 │ \$\.rollout_wedge\.wedge_stages\[1\]\.target_percentage", run.Out);
        Assert.Matches(@"Too wide\.\s+│ 1:18\s+│ \$\.rollout_wedge\.max_blast_radius", run.Out);
        var json = await ValidateAsync(plane, "--json");
        Assert.Equal("plan.radius", json.Json.GetProperty("errors")[1].GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_bare_plan_has_its_errors_at_their_place_in_the_file_too()
    {
        await using var plane = await PlaneThatAnswersAsync(new
        {
            Valid = false,
            Errors = new[] { new Problem("plan.radius", "Too wide.", "$.rollout_wedge.max_blast_radius") },
            Warnings = Array.Empty<Problem>(),
            PlannedHours = 0,
            Stages = Array.Empty<object>(),
        });

        var run = await CliRun.RunInAsync([], "{\n  \"max_blast_radius\": 7\n}", ["rollout", "validate", "-", "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Matches(@"Too wide\.\s+│ 2:23 │", run.Out);
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

    [Theory]
    [InlineData("canary", new[] { "GET /v1/default/rollouts/r", "POST /v1/default/rollouts/r/approve" })]
    [InlineData("early", new[] { "POST /v1/default/rollouts/r/approve" }, "--stage", "early")]
    public async Task An_approval_names_the_stage_that_is_meant(string stage, string[] calls, params string[] options)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var asked = new List<string>();
        JsonElement sent = default;
        plane.Intercept = async http =>
        {
            asked.Add($"{http.Request.Method} {http.Request.Path}");
            if (http.Request.Method == "POST")
            {
                sent = await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body);
            }

            await FakeControlPlane.Json(new
            {
                RolloutId = "r",
                Kind = "rollout",
                Fleet = "edge",
                Target = new string('a', 64),
                State = "ACTIVE",
                StageId = "canary",
                Percentage = 5,
                Reason = "r",
                Why = new { Code = "approval.waiting", Sentence = "It waits.", Since = DateTimeOffset.UnixEpoch },
            }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(["rollout", "approve", "r", "-r", "looked", .. options, "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(calls, asked);
        Assert.Equal((stage, "looked"), (sent.GetProperty("stage_id").GetString(), sent.GetProperty("reason").GetString()));
    }

    [Theory]
    [InlineData("rollout", "/rollouts/r/rollback")]
    [InlineData("fleet", "/fleets/edge/rollback")]
    public async Task A_rollback_waits_until_it_is_over_and_tells_its_four_times(string what, string path)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var asked = new List<string>();
        plane.Intercept = async http =>
        {
            asked.Add($"{http.Request.Method} {http.Request.Path}");
            await FakeControlPlane.Json(Returning(over: asked.Count > 2)).ExecuteAsync(http);
            return true;
        };
        var run = await CliRun.RunAsync(what, "rollback", what == "fleet" ? "edge" : "r", "-r", "no", "--server", plane.Address.ToString(), "--key", "k");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["POST /v1/default" + path, "GET /v1/default/rollouts/r", "GET /v1/default/rollouts/r"], asked);
        foreach (var told in new[] { "after 12 ms", "after 3.5 ms more", "after 640 ms more", "after 655.5 ms in all", "5 nodes: 4 ACKed, 1 fenced, 0 missing" })
        {
            Assert.Contains(told, run.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_rollback_that_is_not_waited_for_says_so_and_quarantine_is_listed_and_released()
    {
        await using var plane = await PlaneThatAnswersAsync(Returning(over: false));
        var run = await CliRun.RunAsync("rollout", "rollback", "r", "--no-wait", "--server", plane.Address.ToString(), "--key", "k");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("no, due within 60 s", run.Out, StringComparison.Ordinal);

        var held = new { Fleet = "edge", PolicyHash = new string('b', 64), RolloutId = "r", Reason = "it broke", By = "olga", At = DateTimeOffset.UnixEpoch };
        await using var other = await PlaneThatAnswersAsync(new { Quarantine = new[] { held } });
        var list = await CliRun.RunAsync("fleet", "quarantine", "ls", "edge", "--json", "--server", other.Address.ToString(), "--key", "k");
        Assert.Equal("it broke", list.Json[0].GetProperty("reason").GetString());
        await using var third = await PlaneThatAnswersAsync(held);
        var released = await CliRun.RunAsync("fleet", "quarantine", "release", "edge", held.PolicyHash, "-r", "fine", "--server", third.Address.ToString(), "--key", "k");
        Assert.Contains("may be offered to edge again", released.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_shadow_stage_found_is_shown_by_rule()
    {
        await using var plane = await PlaneThatAnswersAsync(new
        {
            RolloutId = "r",
            Kind = "rollout",
            Fleet = "edge",
            Target = new string('b', 64),
            State = "ACTIVE",
            StageId = "shadow",
            StageIndex = -1,
            Reason = "r",
            Why = new { Code = "stage.window", Sentence = "It runs.", Since = DateTimeOffset.UnixEpoch },
            Shadow = new
            {
                Nodes = 40,
                Watching = 38,
                Refused = 1,
                Compared = 2_000,
                Changed = 12,
                Changes = new object[] { new { Kind = "allow_to_deny", FromRule = "refunds", ToRule = (string?)null, Count = 12 } },
            },
        });

        var run = await CliRun.RunAsync("rollout", "status", "r", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Shadow: 12 of 2000 decisions differ; 38 of 40 live nodes evaluate the bundle, 1 cannot load it", run.Out, StringComparison.Ordinal);
        Assert.Matches(@"12\s+│ allow_to_deny\s+│ refunds\s+│ \(default\)", run.Out);
    }

    [Theory]
    [InlineData("multi_stage")]
    [InlineData("backtest", "--rule", "backtest")]
    public async Task A_waiver_is_asked_for_of_one_of_two_rules(string rule, params string[] options)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var asked = "";
        plane.Intercept = async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            asked = await reader.ReadToEndAsync();
            await FakeControlPlane.Json(new { WaiverId = "w", State = "requested", Fleet = "edge", Rule = rule, Reason = "r", RequestedBy = "ada" }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(["waiver", "request", "edge", "-r", "no log yet", .. options, "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains($"\"rule\":\"{rule}\"", asked, StringComparison.Ordinal);
        Assert.Contains(rule, run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_critical_plan_is_held_to_its_bounds_by_validate_and_by_start()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var asked = new List<string>();
        plane.Intercept = async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            asked.Add($"{http.Request.Path} {await reader.ReadToEndAsync()}");
            await FakeControlPlane.Json(asked.Count == 1 ? new { Valid = true, Errors = Array.Empty<Problem>(), Warnings = Array.Empty<Problem>(), Stages = Array.Empty<object>() } : Started()).ExecuteAsync(http);
            return true;
        };

        await ValidateAsync(plane, "--critical");
        await CliRun.RunInAsync([], Plan, ["rollout", "start", "edge", "2.0.0", "-", "--critical", "-r", "r", "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(["/v1/default/rollouts/validate", "/v1/default/rollouts"], asked.Select(one => one.Split(' ')[0]));
        Assert.All(asked, one => Assert.Contains("\"critical\":true", one, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_waivers_that_a_rollout_used_are_shown()
    {
        await using var plane = await PlaneThatAnswersAsync(Started());

        var run = await CliRun.RunAsync("rollout", "status", "r", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Matches(@"waiver\s+.*stages-1", run.Out);
        Assert.Matches(@"waiver of freeze windows\s+.*holidays-1", run.Out);
    }

    private static object Started() => new
    {
        RolloutId = "r",
        Kind = "rollout",
        Fleet = "edge",
        Target = new string('b', 64),
        State = "ACTIVE",
        StageId = "canary",
        Reason = "r",
        WaiverId = "stages-1",
        FreezeWaiverId = "holidays-1",
        Why = new { Code = "stage.window", Sentence = "It runs.", Since = DateTimeOffset.UnixEpoch },
    };

    private static object Returning(bool over) => new
    {
        RolloutId = "r",
        Kind = "rollout",
        Fleet = "edge",
        Target = new string('b', 64),
        Fallback = new string('a', 64),
        State = "ROLLED_BACK",
        Reason = "r",
        Why = new { Code = "rollback.operator", Sentence = "olga rolled it back: no", Since = DateTimeOffset.UnixEpoch },
        Rollback = new
        {
            DetectedAt = DateTimeOffset.UnixEpoch,
            DecidedAt = DateTimeOffset.UnixEpoch,
            DecideMs = 12,
            DurableMs = 3.5,
            LastAckMs = over ? 640 : (double?)null,
            OverMs = over ? 655.5 : (double?)null,
            OverAt = over ? DateTimeOffset.UnixEpoch : (DateTimeOffset?)null,
            DeadlineSec = 60,
            Nodes = new { Nodes = 5, Acked = over ? 4 : 0, Fenced = over ? 1 : 0 },
        },
    };

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
