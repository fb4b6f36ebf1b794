namespace OrleansPolicy.Client.Tests.Cli;

public sealed class WaveCommandTests
{
    private static readonly object Wave = new
    {
        WaveId = "w1",
        State = "HALTED",
        Target = "abc",
        Step = 2,
        Steps = 2,
        Fleets = new object[]
        {
            new { Fleet = "eu-1", Step = 1, State = "COMPLETE", RolloutId = "w1-1", Percentage = 100 },
            new { Fleet = "eu-2", Step = 2, State = "ROLLED_BACK", RolloutId = "w1-2", Why = "a trigger fired" },
            new { Fleet = "us-1", Step = 2, State = "PENDING" },
        },
        OnHalt = "rollback",
        By = "ada",
        Reason = "new rules",
        StartedAt = "2026-01-01T00:00:00Z",
        Why = new { Code = "wave.fleet_rolled_back", Sentence = "eu-2 went back", Since = "2026-01-01T00:00:00Z" },
        NotReturned = new[] { new { Fleet = "eu-1", Code = "rollout.moved_on", Message = "elsewhere" } },
    };

    [Fact]
    public async Task A_wave_is_started_with_its_steps_in_order_and_what_is_otherwise_for_a_fleet()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var body = "";
        plane.Intercept = async http =>
        {
            body = await new StreamReader(http.Request.Body).ReadToEndAsync();
            await FakeControlPlane.Json(Wave).ExecuteAsync(http);
            return true;
        };
        using var folder = new Files();

        var run = await CliRun.RunAsync(
            "wave", "start", "2.0.0", folder.Write("plan.json", """{"wedge_stages":[]}"""), "eu-1", "eu-2,us-1", "--on-halt", "rollback",
            "--plan-of", "us-1=" + folder.Write("small.json", """{"small":true}"""), "--waiver-of", "us-1=w7", "--waiver-of", "eu-1=w8",
            "-r", "new rules", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["POST /v1/default/waves"], plane.Requests);
        foreach (var said in new[]
        {
            "[[\"eu-1\"],[\"eu-2\",\"us-1\"]]", "{\"wedge_stages\":[]}", "\"on_halt\":\"rollback\"",
            "{\"fleet\":\"us-1\",\"rollout_wedge\":{\"small\":true},\"waiver_id\":\"w7\"}", "{\"fleet\":\"eu-1\",\"waiver_id\":\"w8\"}",
        })
        {
            Assert.Contains(said, body, StringComparison.Ordinal);
        }

        foreach (var told in new[] { "HALTED", "2 of 2", "eu-2 went back", "a trigger fired", "w1-1", "eu-1: rollout.moved_on" })
        {
            Assert.Contains(told, run.Out, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GET /v1/default/waves/w1", "show", "w1")]
    [InlineData("POST /v1/default/waves/w1/pause", "pause", "w1", "-r", "wait")]
    [InlineData("POST /v1/default/waves/w1/resume", "resume", "w1", "-r", "go")]
    [InlineData("POST /v1/default/waves/w1/rollback", "rollback", "w1", "-r", "back")]
    [InlineData("POST /v1/default/waves/w1/end", "end", "w1", "-r", "enough")]
    public async Task Each_command_is_one_call_and_says_how_the_wave_stands(string call, params string[] args)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(Wave).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(["wave", .. args, "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal([call], plane.Requests);
        Assert.Contains("eu-2 went back", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waves_are_listed_with_their_steps()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(new { Waves = new[] { Wave } }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync("wave", "ls", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(["GET /v1/default/waves"], plane.Requests);
        Assert.Contains("eu-1 eu-2,us-1", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wave", "start", "2.0.0", "plan.json")]
    [InlineData("wave", "start", "2.0.0", "-", "eu-1", "--on-halt", "cheer")]
    [InlineData("wave", "pause")]
    public async Task What_is_missing_is_wrong_usage(params string[] args) => Assert.Equal(2, (await CliRun.RunAsync([.. args, "--key", "k"])).ExitCode);

    [Fact]
    public async Task A_pair_without_its_fleet_is_wrong_usage()
    {
        using var folder = new Files();
        var plan = folder.Write("plan.json", "{}");

        Assert.Equal(2, (await CliRun.RunAsync("wave", "start", "2.0.0", plan, "eu-1", "--waiver-of", "w7", "--key", "k")).ExitCode);
    }

    private sealed class Files : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

        public string Write(string name, string text)
        {
            var path = Path.Combine(_folder.FullName, name);
            File.WriteAllText(path, text);
            return path;
        }

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
