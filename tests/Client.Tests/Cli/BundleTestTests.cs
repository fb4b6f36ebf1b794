namespace OrleansPolicy.Client.Tests.Cli;

public sealed class BundleTestTests : IDisposable
{
    private const string Bundle = """
        {"metadata":{"bundle_id":"b","version":"1.2.3","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"},
         "policies":[{"id":"r","effect":"allow","match":{"capability":"read"}},{"id":"w","effect":"deny","match":{"capability":"write"}}]}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("policyctl-").FullName;

    [Fact]
    public async Task The_decisions_beside_a_bundle_are_found_and_what_differs_is_shown()
    {
        await WriteAsync("b.json", Bundle);
        await WriteAsync("decisions.json", """[{"capability_id":"read","expected":{"allowed":false,"rule_id":"r"}}]""");

        var run = await CliRun.RunAsync("bundle", "test", InFolder("b.json"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("- allowed: false", run.Out, StringComparison.Ordinal);
        Assert.Contains("+ allowed: true", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("- rule_id", run.Out, StringComparison.Ordinal);
        Assert.Contains("never: w", run.Out, StringComparison.Ordinal);

        // The one that has the bundle's name goes before.
        await WriteAsync("b.decisions.json", """[{"capability_id":"read","expected":{"allowed":true}}]""");
        var json = await CliRun.RunAsync("bundle", "test", InFolder("b.json"), "--json");
        Assert.Equal(0, json.ExitCode);
        Assert.True(json.Json.GetProperty("passed").GetBoolean());
        Assert.Equal(50, json.Json.GetProperty("coverage").GetProperty("percentage").GetDecimal());
    }

    [Fact]
    public async Task Too_few_rules_reached_is_a_no()
    {
        await WriteAsync("b.json", Bundle);
        await WriteAsync("d.json", """[{"capability_id":"read","expected":{"allowed":true}}]""");
        string[] test = ["bundle", "test", InFolder("b.json"), "--decisions", InFolder("d.json"), "--min-coverage"];

        Assert.Equal(0, (await CliRun.RunAsync([.. test, "50"])).ExitCode);
        Assert.Equal(1, (await CliRun.RunAsync([.. test, "50.1"])).ExitCode);
    }

    [Fact]
    public async Task A_variant_of_a_policy_has_its_own_expectations()
    {
        await WriteAsync("b.v2.json", Bundle);
        await WriteAsync("decisions.json", """[{"capability_id":"read","expected":{"allowed":false},"expected_v2":{"allowed":true}}]""");

        Assert.Equal(0, (await CliRun.RunAsync("bundle", "test", InFolder("b.v2.json"))).ExitCode);
    }

    [Fact]
    public async Task What_is_missing_is_5_and_what_is_not_valid_is_1()
    {
        await WriteAsync("b.json", Bundle);
        Assert.Equal(5, (await CliRun.RunAsync("bundle", "test", InFolder("b.json"))).ExitCode);
        Assert.Equal(5, (await CliRun.RunAsync("bundle", "test", InFolder("c.json"))).ExitCode);
        Assert.Equal(2, (await CliRun.RunInAsync([], Bundle, "bundle", "test", "-")).ExitCode);
        await WriteAsync("decisions.json", """[{"capability_id":"read","expected":{"allow":true}}]""");
        var invalid = await CliRun.RunAsync("bundle", "test", InFolder("b.json"), "--json");
        Assert.Equal((1, "cli.decisions_invalid"), (invalid.ExitCode, invalid.ErrorJson.GetProperty("error").GetProperty("code").GetString()));
        await WriteAsync("b.json", "{}");
        Assert.Equal(1, (await CliRun.RunAsync("bundle", "test", InFolder("b.json"))).ExitCode);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string InFolder(string name) => Path.Combine(_folder, name);

    private Task WriteAsync(string name, string text) => File.WriteAllTextAsync(InFolder(name), text);
}
