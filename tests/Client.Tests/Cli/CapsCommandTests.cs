namespace OrleansPolicy.Client.Tests.Cli;

public sealed class CapsCommandTests
{
    private static readonly object Caps = new { MaxConcurrentRollouts = 3, SetBy = "ada", SetAt = "2026-01-01T12:34:56Z", Reason = "we are few" };

    [Theory]
    [InlineData("GET /v1/default/caps", "", "status")]
    [InlineData(
        "PUT /v1/default/caps", """{"max_concurrent_rollouts":3,"max_nodes_per_failure_domain":20,"reason":"we are few"}""",
        "set", "--max-concurrent-rollouts", "3", "--max-nodes-per-failure-domain", "20", "-r", "we are few")]
    public async Task A_command_is_one_call_and_says_what_is_capped(string call, string body, params string[] args)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var sent = "";
        plane.Intercept = async http =>
        {
            sent = await new StreamReader(http.Request.Body).ReadToEndAsync();
            await FakeControlPlane.Json(Caps).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(["caps", .. args, "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal([call], plane.Requests);
        Assert.Equal(body, sent);
        foreach (var told in new[] { "at most 3", "as the plan says", "ada", "2026-01-01 12:34:56Z", "we are few" })
        {
            Assert.Contains(told, run.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Caps_are_taken_away_with_a_reason()
    {
        Assert.Equal(2, (await CliRun.RunAsync("caps", "rm", "--key", "k")).ExitCode);
        await using var plane = await FakeControlPlane.StartAsync();
        var query = "";
        plane.Intercept = async http =>
        {
            query = http.Request.QueryString.Value ?? "";
            await FakeControlPlane.Json(new { }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync("caps", "rm", "-r", "over", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal((0, "?reason=over"), (run.ExitCode, query));
        Assert.Equal(["DELETE /v1/default/caps"], plane.Requests);
        var none = await CliRun.RunAsync("caps", "status", "--server", plane.Address.ToString(), "--key", "k");
        Assert.Contains("any number", none.Out, StringComparison.Ordinal);
    }
}
