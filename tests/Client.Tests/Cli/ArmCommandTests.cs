using Microsoft.AspNetCore.Http;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class ArmCommandTests
{
    [Theory]
    [InlineData("disarm", "-r", "x")]
    [InlineData("disarm", "-r", "x", "--fleet", "edge", "--all")]
    [InlineData("disarm", "-r", "x", "--node", "n1")]
    [InlineData("arm", "-r", "x", "--tenant-wide", "--all")]
    [InlineData("arm", "--fleet", "edge")]
    [InlineData("disarm", "--all")]
    public async Task One_scope_and_a_reason_are_named(params string[] args)
    {
        Assert.Equal(2, (await CliRun.RunAsync([.. args, "--key", "k"])).ExitCode);
    }

    [Theory]
    [InlineData("/v1/default/fleets/edge/disarm", "--fleet", "edge")]
    [InlineData("/v1/default/fleets/edge/nodes/n1/disarm", "--fleet", "edge", "--node", "n1")]
    [InlineData("/v1/default/disarm", "--tenant-wide")]
    [InlineData("/v1/disarm", "--all")]
    public async Task A_disarm_goes_to_its_scope_and_says_who_has_not_stopped(string path, params string[] scope)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var through = "";
        plane.Intercept = async http =>
        {
            through = http.Request.Headers.UserAgent.ToString();
            await FakeControlPlane.Json(new
            {
                Armed = false,
                ArmEpoch = 9,
                Scope = new { },
                At = "2026-01-01T00:00:00Z",
                Confirmed = 3,
                Unconfirmed = Enumerable.Repeat("n9", 1),
                UnconfirmedCount = 1,
                InForceBy = "2026-01-01T12:34:56Z",
            }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(["disarm", "-r", "fire", "--wait", "0.5", .. scope, "--server", plane.Address.ToString(), "--key", "k"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Matches("^policyctl/[0-9]+\\.[0-9]+\\.[0-9]+$", through);
        Assert.Contains("3 of 4 nodes have stopped", run.Out, StringComparison.Ordinal);
        Assert.Contains("by 12:34:56 UTC: n9", run.Out, StringComparison.Ordinal);
        Assert.Equal([$"POST {path}"], plane.Requests);
    }

    [Fact]
    public async Task An_arm_that_waits_for_a_second_person_says_what_that_one_types()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            http.Response.StatusCode = 202;
            await http.Response.WriteAsync("""{"armed":false,"arm_epoch":9,"scope":{},"at":"2026-01-01T00:00:00Z","pending_id":"p7","needs":"second_person","in_force_by":null}""");
            return true;
        };

        var run = await CliRun.RunAsync("arm", "-r", "over", "--fleet", "edge", "--server", plane.Address.ToString(), "--key", "k");
        var json = await CliRun.RunAsync("arm", "-r", "over", "--fleet", "edge", "--json", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--pending p7", run.Out, StringComparison.Ordinal);
        Assert.Equal("p7", json.Json.GetProperty("pending_id").GetString());
    }
}
