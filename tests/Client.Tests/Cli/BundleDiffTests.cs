using System.Text;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class BundleDiffTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("policyctl-").FullName;

    [Fact]
    public async Task Rules_and_decisions_that_change_are_listed_with_an_example()
    {
        await WriteAsync("a.json", Bundle(100));
        await WriteAsync("b.json", Bundle(50));

        var run = await CliRun.RunAsync("bundle", "diff", InFolder("a.json"), InFolder("b.json"));
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("match.lte: 100 → 50", run.Out, StringComparison.Ordinal);
        Assert.Contains("allow → deny", run.Out, StringComparison.Ordinal);
        Assert.Contains("refund at 2026-01-05T12:00:00Z Mon {\"amount\":100}", run.Out, StringComparison.Ordinal);
        Assert.Contains("- allow: small", run.Out, StringComparison.Ordinal);
        Assert.Contains("+ deny: default-deny", run.Out, StringComparison.Ordinal);

        var json = await CliRun.RunAsync("bundle", "diff", InFolder("a.json"), InFolder("b.json"), "--json", "--fail-over", "0.1%");
        Assert.Equal(1, json.ExitCode);
        Assert.False(json.Json.GetProperty("passed").GetBoolean());
        Assert.Equal("allow_to_deny", json.Json.GetProperty("decisions").GetProperty("changes")[0].GetProperty("kind").GetString());
        Assert.Equal("small", json.Json.GetProperty("rules").GetProperty("changed")[0].GetProperty("rule_id").GetString());
    }

    [Fact]
    public async Task Requests_that_were_given_or_logged_are_decided_in_place_of_generated_ones()
    {
        await WriteAsync("a.json", Bundle(100));
        await WriteAsync("b.json", Bundle(50));
        await WriteAsync("inputs.json", """[{"capability_id":"refund","context":{"amount":70}},{"capability_id":"refund","context":{"amount":7}}]""");
        await WriteAsync("log.jsonl", Line(60) + Line(5) + "nothing\n");

        var run = await CliRun.RunAsync(
            "bundle", "diff", InFolder("a.json"), InFolder("b.json"), "--inputs", InFolder("inputs.json"), "--log", InFolder("log.jsonl"), "--json");
        Assert.Equal((4, 2, 1, 0), (
            run.Json.GetProperty("decisions").GetProperty("compared").GetInt32(), run.Json.GetProperty("decisions").GetProperty("changed").GetInt32(),
            run.Json.GetProperty("unusable").GetInt32(), run.Json.GetProperty("generated").GetInt32()));
    }

    [Fact]
    public async Task A_log_is_replayed_and_too_many_changes_are_a_no()
    {
        await WriteAsync("b.json", Bundle(50));
        await WriteAsync("log.jsonl", Line(60) + Line(5) + Line(6) + "\n" + Line(7, ContextKept.Masked) + new string('x', DecisionRecord.LineBytesMax * 2) + "\n" + Line(8).TrimEnd());
        string[] replay = ["replay", InFolder("log.jsonl"), "--bundle", InFolder("b.json")];

        var run = await CliRun.RunAsync(replay);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("4 of 6 decisions made again under 1.0.0 (made 4 by 0.9.0)", run.Out, StringComparison.Ordinal);
        Assert.Contains("1 with a masked context; 1 that are no records, the first in line 5", run.Out, StringComparison.Ordinal);
        Assert.Contains("1 of 4 requests decided differently (25 %)", run.Out, StringComparison.Ordinal);
        Assert.Equal(0, (await CliRun.RunAsync([.. replay, "--fail-over", "25%"])).ExitCode);
        Assert.Equal(1, (await CliRun.RunAsync([.. replay, "--fail-over", "24.9", "--json"])).ExitCode);
        Assert.Equal(2, (await CliRun.RunAsync([.. replay, "--fail-over", "-1"])).ExitCode);
    }

    [Fact]
    public async Task A_gate_over_nothing_is_a_no()
    {
        await WriteAsync("b.json", Bundle(50));
        string[] replay = ["replay", "-", "--bundle", InFolder("b.json")];

        Assert.Equal(0, (await CliRun.RunInAsync([], "", replay)).ExitCode);
        Assert.Equal(1, (await CliRun.RunInAsync([], "", [.. replay, "--fail-over", "1%"])).ExitCode);
        Assert.Equal(5, (await CliRun.RunAsync("replay", InFolder("none.jsonl"), "--bundle", InFolder("b.json"))).ExitCode);
        Assert.Equal(5, (await CliRun.RunAsync("replay", "-", "--bundle", InFolder("none.json"))).ExitCode);
    }

    [Fact]
    public async Task A_bundle_that_is_no_file_is_asked_of_the_control_plane()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Contents["1.0.0"] = Encoding.UTF8.GetBytes(Bundle(50));
        await WriteAsync("a.json", Bundle(50));

        var run = await CliRun.RunAsync(
            "bundle", "diff", InFolder("a.json"), "1.0.0", "--generate", "100", "--server", plane.Address.ToString(), "--key", "k", "--json");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(0, run.Json.GetProperty("decisions").GetProperty("changes").GetArrayLength());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Bundle(int limit) => $$"""
        {"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"},
         "policies":[{"id":"small","effect":"allow","reason":"small","match":{"capability":"refund","path":"context.amount","lte":{{limit}} } }]}
        """;

    private static string Line(int amount, ContextKept kept = ContextKept.Whole) => Encoding.UTF8.GetString(new DecisionRecord
    {
        At = new DateTimeOffset(2026, 1, 5, 8, 30, 0, TimeSpan.Zero),
        CapabilityId = "refund",
        Context = System.Text.Json.JsonElement.Parse($"{{\"amount\":{amount}}}"),
        ContextKept = kept,
        Decision = new Decision(true, false, "small", "small", null, null),
        PolicyHash = "h",
        PolicyVersion = "0.9.0",
    }.ToLine());

    private string InFolder(string name) => Path.Combine(_folder, name);

    private Task WriteAsync(string name, string text) => File.WriteAllTextAsync(InFolder(name), text);
}
