using System.Text.Json;
using OrleansPolicy.Cli;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Cli;

/// <summary>What an operator does about versions and baselines, with policyctl alone, against a real control plane.</summary>
[Collection(OneControlPlane.Name)]
public sealed class ProvenanceCommandTests(ControlPlane plane) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private TestTenant _tenant = null!;
    private string _key = "";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_yaml_policy_is_published_named_tied_to_runs_taken_back_and_all_of_it_is_on_one_page()
    {
        await OperatorAsync();
        await RunAsync("keygen", "monitoring", "--out", _folder.Path, "--trust", _folder["trust.json"]);
        await RunAsync("trust", "set", _folder["trust.json"]);
        (await _tenant.Admin.PutAsync("/fleets/pumps", new { requires_armed = true })).Expect(200);
        var registry = await PushAsync("metric_registry.yaml", File.ReadAllText(Path.Combine(Examples, "metric_registry.yaml")), "3.0.0");
        var policy = File.ReadAllText(Path.Combine(Examples, "baseline_policy.yaml"));
        var first = await PushAsync("baseline_policy.yaml", policy, "1.0.0");

        // The fleet's first bundle, and a run under it.
        var set = await RunAsync("baseline", "set", "1.0.0", "--fleet", "pumps", "-r", "the season begins");
        Assert.Equal((first.Hash, first.Hash), (Text(set, "policy_hash"), Text(set, "running")));
        var run = await RunAsync("run", "record", "run-7", "--fleet", "pumps", "--registry-hash", registry.DocumentHash);
        Assert.Equal((first.Hash, first.DocumentHash, registry.DocumentHash), (Text(run, "policy_hash"), Text(run, "document_hash"), Text(run, "registry_hash")));

        // Another one is named good; the fleet runs what it ran until it is brought there.
        var second = await PushAsync("baseline_policy.yaml", policy.Replace("drift: 0.2", "drift: 0.3", StringComparison.Ordinal), "1.1.0");
        Assert.NotEqual(first.DocumentHash, second.DocumentHash);
        set = await RunAsync("baseline", "set", "1.1.0", "--tag", "golden", "--fleet", "pumps", "-r", "more drift");
        Assert.Equal((second.Hash, first.Hash), (Text(set, "policy_hash"), Text(set, "running")));
        (await _tenant.Admin.PutAsync("/fleets/pumps/baseline", new { @ref = "1.1.0", while_disarmed = true, reason = "all of it" })).Expect(200);

        // Back to what the run ran under: by name, and in fact.
        set = await RunAsync("baseline", "set", "run-7", "--tag", "golden", "--fleet", "pumps", "-r", "too much drift");
        Assert.Equal((first.Hash, second.Hash), (Text(set, "policy_hash"), Text(set, "running")));
        var back = await RunAsync("baseline", "rollback", "--fleet", "pumps", "--to", "run-7", "-r", "as before");
        Assert.Equal(("fast_track", first.Hash), (Text(back, "kind"), Text(back, "target")));
        Assert.Equal(first.Hash, (await _tenant.Admin.GetAsync("/fleets/pumps"))["directive"].GetProperty("target").GetString());

        var tags = await RunAsync("baseline", "ls", "--fleet", "pumps");
        Assert.Equal(first.Hash, Text(tags.EnumerateArray().Single(tag => Text(tag, "tag") == "golden"), "policy_hash"));
        var moves = (await RunAsync("baseline", "ls", "--fleet", "pumps", "--all")).EnumerateArray().Where(tag => Text(tag, "tag") == "golden").Select(tag => Text(tag, "reason")).ToList();
        Assert.Contains("more drift", moves);
        Assert.Contains("too much drift", moves);

        // Who changed what, when, why, and through what.
        var page = (await DoAsync("history", "--json")).Out;
        Assert.All(
            (string[])["bundle.published", "trust.", "run.recorded", "the season begins", "more drift", "too much drift", "as before", "olga", "cli"],
            word => Assert.Contains(word, page, StringComparison.Ordinal));
        var ofFleet = (await RunAsync("history", "fleet/pumps", "--by", "olga")).EnumerateArray().ToList();
        Assert.NotEmpty(ofFleet);
        Assert.All(ofFleet, entry => Assert.Equal(("olga", "cli"), (Text(entry, "actor"), Text(entry, "interface"))));
        Assert.Equal("run.recorded", Text((await RunAsync("history", "run/run-7")).EnumerateArray().Single(), "action"));
        Assert.Contains((await RunAsync("history", "run:run-7")).EnumerateArray(), entry => Text(entry, "action") == "bundle.published");
    }

    [Fact]
    public async Task Decisions_are_made_again_under_the_policy_of_an_earlier_run()
    {
        await OperatorAsync();
        using var bundles = new TestBundles();
        await _tenant.RunningFleetAsync("edge", bundles, nodes: 0);
        await RunAsync("run", "record", "before", "--fleet", "edge");
        var hash = (await _tenant.Admin.GetAsync("/bundles/2.0.0")).Expect(200)["policy_hash"].GetString();
        await File.WriteAllLinesAsync(_folder["log.jsonl"], ((string[])["orders.read", "orders.write"]).Select(capability => JsonSerializer.Serialize(new
        {
            at = "2026-11-21T09:00:00Z",
            capability_id = capability,
            context = new { },
            decision = new { allowed = true, require_confirmation = false, reason = "2.0.0", rule_id = capability },
            policy_version = "2.0.0",
            policy_hash = hash,
            epoch = 1,
        })));

        var replay = await DoAsync("replay", _folder["log.jsonl"], "--bundle", "run:before");
        Assert.Equal(0, replay.Code);
        Assert.Contains("2 of 2 decisions made again under 1.0.0 (made 2 by 2.0.0)", replay.Out, StringComparison.Ordinal);
        Assert.Contains("orders.write", replay.Out, StringComparison.Ordinal);
        Assert.Equal(1, (await DoAsync("replay", _folder["log.jsonl"], "--bundle", "run:before", "--fail-over", "0%")).Code);
        Assert.Equal(0, (await DoAsync("replay", _folder["log.jsonl"], "--bundle", "2.0.0", "--fail-over", "0%")).Code);
    }

    private static string Examples => Repository.PathOf("examples/baseline-policy");

    private static string? Text(JsonElement of, string member) => of.GetProperty(member).GetString();

    private async Task OperatorAsync()
    {
        _tenant = await plane.NewTenantAsync();
        _key = (await _tenant.Admin.PostAsync("/keys", new { name = "olga", subject = "olga", role = "admin" })).Expect(201)["key"].GetString()!;
    }

    private async Task<(string Hash, string DocumentHash)> PushAsync(string name, string yaml, string version)
    {
        await File.WriteAllTextAsync(_folder[name], yaml);
        var published = await RunAsync("bundle", "push", _folder[name], "--bundle-version", version, "-k", _folder["monitoring.key.pem"]);
        return (Text(published, "policy_hash")!, Text(published, "document_hash")!);
    }

    /// <summary>What it answers as JSON; it must succeed.</summary>
    private async Task<JsonElement> RunAsync(params string[] args)
    {
        var (code, output, error) = await DoAsync([.. args, "--json"]);
        Assert.True(code == 0, $"{string.Join(' ', args)}: {code} {output} {error}");
        return JsonElement.Parse(output);
    }

    private async Task<(int Code, string Out, string Error)> DoAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var input = new StringReader("");
        var host = new CliHost { Out = output, Error = error, In = input, Environment = new Dictionary<string, string>() };
        var code = await Policyctl.RunAsync([.. args, "--server", plane.Address.ToString(), "--key", _key, "--tenant", _tenant.Name], host, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }
}
