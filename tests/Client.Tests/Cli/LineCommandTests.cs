namespace OrleansPolicy.Client.Tests.Cli;

public sealed class LineCommandTests
{
    [Theory]
    [InlineData("GET /v1/default/line", "status")]
    [InlineData("POST /v1/default/line/stop", "stop", "-r", "incident 7")]
    [InlineData("POST /v1/default/line/release", "release", "-r", "fixed")]
    public async Task Each_command_is_one_call_and_says_how_the_line_stands(string call, params string[] args)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(new { Stopped = true, By = "ada", Reason = "incident 7", Since = "2026-01-01T12:34:56Z" }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(["line", .. args, "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal([call], plane.Requests);
        foreach (var told in new[] { "stopped", "ada", "2026-01-01 12:34:56Z", "incident 7" })
        {
            Assert.Contains(told, run.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_stop_needs_a_reason_and_a_line_that_runs_says_so()
    {
        Assert.Equal(2, (await CliRun.RunAsync("line", "stop", "--key", "k")).ExitCode);
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(new { Stopped = false }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync("line", "status", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Contains("runs", run.Out, StringComparison.Ordinal);
    }
}
