using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class ExitCodeTests
{
    [Theory]
    [InlineData("bogus")]
    [InlineData("fleet")]
    [InlineData("fleet", "create")]
    [InlineData("fleet", "create", "f", "--lease", "soon")]
    [InlineData("fleet", "ls", "--server", "ftp://x", "--key", "k")]
    [InlineData("fleet", "ls", "--server", "http://x/path", "--key", "k")]
    [InlineData("keygen", "Not A Name")]
    [InlineData("key", "create", "x", "--role", "king")]
    public async Task A_wrong_command_line_is_2(params string[] args)
    {
        var run = await CliRun.RunAsync(args);
        Assert.Equal(2, run.ExitCode);
        Assert.NotEmpty(run.Error);
        Assert.Empty(run.Out);
    }

    [Fact]
    public async Task A_refusal_is_3_and_says_everything_that_is_wrong()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            http.Response.StatusCode = 400;
            await FakeControlPlane.Json(new
            {
                Status = 400,
                Code = "plan.stages",
                Detail = "The plan is wrong.",
                Errors = new[] { new Problem("plan.stages", "Too few.", "$.wedge_stages"), new Problem("plan.radius", "Too wide.", "$.max_blast_radius") },
            }).ExecuteAsync(http);
            return true;
        };
        var run = await CliRun.RunAsync("fleet", "ls", "--server", plane.Address.ToString(), "--key", "k", "--json");
        Assert.Equal(3, run.ExitCode);
        var error = run.ErrorJson.GetProperty("error");
        Assert.Equal("plan.stages", error.GetProperty("code").GetString());
        Assert.Equal("$.max_blast_radius", error.GetProperty("errors")[1].GetProperty("path").GetString());
    }

    [Fact]
    public async Task A_single_error_is_said_once_with_its_place()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            http.Response.StatusCode = 400;
            await FakeControlPlane.Json(new { Status = 400, Code = "tag.reason", Detail = "Say why.", Errors = new[] { new Problem("tag.reason", "Say why.", "$.reason") } })
                .ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync("fleet", "ls", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(["policyctl: Say why. [tag.reason]", "  at $.reason"], run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Nobody_there_is_4()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var run = await CliRun.RunAsync("tenant", "ls", "--server", $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndPoint!).Port}", "--key", "k");
        Assert.Equal(4, run.ExitCode);
        Assert.Contains("cannot be reached", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_key_file_is_5()
    {
        var run = await CliRun.RunInAsync(new() { ["POLICY_DATA"] = Path.Combine(Path.GetTempPath(), "nowhere-" + Guid.NewGuid()) }, "", "fleet", "ls");
        Assert.Equal(5, run.ExitCode);
        Assert.Contains("admin.key", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_update_limit_is_6_and_wait_obeys_it()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var refusals = 0;
        plane.Intercept = async http =>
        {
            if (Interlocked.Increment(ref refusals) <= 2)
            {
                http.Response.Headers.RetryAfter = "1";
                await FakeControlPlane.Problem(429, "admission.refused").ExecuteAsync(http);
            }
            else
            {
                await FakeControlPlane.Json(new { Fleet = "edge" }).ExecuteAsync(http);
            }

            return true;
        };
        string[] baseline = ["fleet", "baseline", "edge", "1.0.0", "--server", plane.Address.ToString(), "--key", "k"];
        var refused = await CliRun.RunAsync([.. baseline, "--json"]);
        Assert.Equal(6, refused.ExitCode);
        Assert.Equal(1, refused.ErrorJson.GetProperty("error").GetProperty("retry_after_sec").GetDouble());

        var started = Environment.TickCount64;
        var waited = await CliRun.RunAsync([.. baseline, "--wait"]);
        Assert.Equal(0, waited.ExitCode);
        Assert.InRange(Environment.TickCount64 - started, 990, 60_000);
    }

    [Fact]
    public async Task Who_waits_for_an_admission_waits_in_the_queue_and_comes_back_as_soon_as_that_reaches_far_enough()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var preferences = new List<string>();
        plane.Intercept = async http =>
        {
            preferences.Add(http.Request.Headers["Prefer"].ToString());
            if (preferences.Count == 2)
            {
                http.Response.Headers.RetryAfter = "61";
                await FakeControlPlane.Problem(429, "admission.refused").ExecuteAsync(http);
                return true;
            }

            await FakeControlPlane.Json(new { Fleet = "edge" }).ExecuteAsync(http);
            return true;
        };
        string[] baseline = ["fleet", "baseline", "edge", "1.0.0", "--server", plane.Address.ToString(), "--key", "k"];

        Assert.Equal(0, (await CliRun.RunAsync(baseline)).ExitCode);
        var started = Environment.TickCount64;
        var waited = await CliRun.RunAsync([.. baseline, "--wait"]);

        Assert.Equal(0, waited.ExitCode);
        Assert.Equal(["", "wait=60", "wait=60"], preferences);
        Assert.InRange(Environment.TickCount64 - started, 990, 60_000);
        Assert.Contains("again in 1 s", waited.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_is_0_and_names_the_exit_codes()
    {
        var run = await CliRun.RunAsync("--help");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Exit codes: 0 ok", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fleet_that_has_not_converged_is_1()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(new
            {
                PolicyHash = new string('a', 64),
                Total = 2,
                OnHash = 1,
                NotOnHash = ImmutableArray.Create("n-2"),
                Unknown = Array.Empty<string>(),
                Fenced = Array.Empty<string>(),
                Converged = false,
                At = DateTimeOffset.UnixEpoch,
            }).ExecuteAsync(http);
            return true;
        };
        var run = await CliRun.RunAsync(
            "fleet", "convergence", "edge", "--hash", new string('a', 64), "--server", plane.Address.ToString(), "--key", "k");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("n-2", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_is_read_from_a_file_and_sent_as_it_is()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "secret-key\n");
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(new { Tenants = ImmutableArray.Create("default") }).ExecuteAsync(http);
            return true;
        };
        var run = await CliRun.RunInAsync(
            new() { ["POLICY_SERVER"] = plane.Address.ToString(), ["POLICY_KEY"] = "another" }, "", "tenant", "ls", "--key-file", file);
        File.Delete(file);
        Assert.Equal((0, "default"), (run.ExitCode, run.Out.Trim()));
        Assert.Equal("Bearer secret-key", Assert.Single(plane.Keys));
    }
}
