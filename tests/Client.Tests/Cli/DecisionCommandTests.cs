using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class DecisionCommandTests
{
    private const string Allowed = """{"at":"2026-11-21T09:00:00+00:00","node":"n-1","fleet":"edge","capability_id":"read","context":{"text":"\ud800"},"decision":{"allowed":true,"require_confirmation":false,"reason":"\u001b[31mred","rule_id":"r"},"policy_version":"1.0.0","policy_hash":"aa","epoch":1}""";
    private const string Denied = """{"at":"2026-11-21T09:00:01+00:00","node":"n-1","fleet":"edge","capability_id":"write","decision":{"allowed":false,"require_confirmation":false,"reason":"default-deny"},"policy_version":"1.0.0","policy_hash":"aa","epoch":1}""";
    private const string Lost = """{"at":"2026-11-21T09:00:02+00:00","node":"n-1","fleet":"edge","capability_id":"decision_log.lost","decision":{"allowed":false,"require_confirmation":false,"reason":"decide.log_lost"},"epoch":0,"lost":{"count":7,"from":"2026-11-21T09:00:01+00:00","to":"2026-11-21T09:00:02+00:00"}}""";

    [Fact]
    public async Task An_export_has_every_record_as_it_came_page_by_page()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        Array.ForEach([Allowed, Denied, Lost], plane.Decisions.Enqueue);

        var run = await RunAsync(plane, "export", "--from", "2026-11-21", "--node", "n-1");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal([Allowed, Denied, Lost], run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, plane.Count("GET"));
        Assert.All(run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.True(DecisionRecord.Read(System.Text.Encoding.UTF8.GetBytes(line)).Succeeded));
    }

    [Fact]
    public async Task A_tail_tells_decisions_and_gaps_and_lets_nobody_write_on_the_terminal()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        Array.ForEach([Allowed, Denied, Lost], plane.Decisions.Enqueue);

        var run = await RunAsync(plane, "tail", "--no-follow");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            """
            2026-11-21T09:00:00+00:00  n-1  allow    read  \u001b[31mred  1.0.0
            2026-11-21T09:00:01+00:00  n-1  deny     write  default-deny  1.0.0
            2026-11-21T09:00:02+00:00  n-1  7 records are missing, from 2026-11-21T09:00:01+00:00 on

            """.ReplaceLineEndings(),
            run.Out);
    }

    [Fact]
    public async Task A_moment_that_is_none_is_2()
    {
        await using var plane = await FakeControlPlane.StartAsync();

        Assert.Equal(2, (await RunAsync(plane, "export", "--from", "soon")).ExitCode);
    }

    private static Task<CliRun> RunAsync(FakeControlPlane plane, params string[] args) =>
        CliRun.RunAsync(["decisions", .. args, "--fleet", FakeControlPlane.Fleet, "--server", plane.Address.ToString(), "--key", "k"]);
}
