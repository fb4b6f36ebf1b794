namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class DecisionTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task The_silo_decides_under_what_the_node_last_acked()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        const string Path = "/fleets/edge/nodes/n000";
        (await node.PostAsync(Path + "/report", new { boot_id = "b", seq = 1, epoch = 1, policy_hash = baseline, ack = true })).Expect(200);

        var read = (await node.PostAsync(Path + "/decide", new { capability_id = "orders.read", context = new { } })).Expect(200);
        var write = (await node.PostAsync(Path + "/decide", new { capability_id = "orders.write" })).Expect(200);

        Assert.True(read["decision"].GetProperty("allowed").GetBoolean());
        Assert.Equal(baseline, read["policy_hash"].GetString());
        Assert.Equal("1.0.0", read["policy_version"].GetString());
        Assert.Equal(1, read["epoch"].GetInt64());
        Assert.Equal("default-deny", write["decision"].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_node_that_was_never_heard_serves_nothing()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);

        var refused = (await tenant.Admin.PostAsync("/fleets/edge/nodes/n001/decide", new { capability_id = "orders.read" })).ExpectProblem(503, "decide.node_silent");

        Assert.False(refused["allowed"].GetBoolean());
        Assert.False(refused["decision"].GetProperty("allowed").GetBoolean());
        (await tenant.Admin.PostAsync("/fleets/edge/nodes/nobody/decide", new { capability_id = "x" })).ExpectProblem(404, "node.unknown");
    }

    [Fact]
    public async Task A_node_whose_hash_the_directive_does_not_allow_serves_nothing()
    {
        var tenant = await plane.NewTenantAsync();
        var (_, next) = await tenant.RunningFleetAsync("edge", _bundles);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        (await node.PostAsync("/fleets/edge/nodes/n000/report", new { boot_id = "b", seq = 1, epoch = 1, policy_hash = next, ack = true })).Expect(200);

        (await node.PostAsync("/fleets/edge/nodes/n000/decide", new { capability_id = "orders.read" })).ExpectProblem(503, "decide.superseded");
    }

    [Fact]
    public async Task The_default_fleet_serves_nothing_while_its_nodes_know_a_higher_epoch()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("default", _bundles, nodes: 1);
        await Eventually.BecomesAsync(async () => (await AskAsync("/decide")).Status, 200);

        foreach (var path in (string[])["/decide", "/decide:explain"])
        {
            ApiAnswer refused = null!;
            await Eventually.BecomesAsync(
                async () =>
                {
                    // As after the database was restored from an older backup.
                    await tenant.Admin.PostAsync("/fleets/default/nodes/n000/report", new { boot_id = "b", seq = 1, epoch = 50, policy_hash = baseline, ack = true });
                    refused = await AskAsync(path);
                    return refused.Text.Contains("fleet.epoch_behind", StringComparison.Ordinal);
                },
                true);
            refused.ExpectProblem(503, "decide.stale");
            Assert.False(refused["allowed"].GetBoolean());
            Assert.False(refused["decision"].GetProperty("allowed").GetBoolean());
        }

        (await tenant.Admin.PostAsync("/fleets/default/epoch", new { epoch = 51, reason = "restored" })).Expect(200);
        await Eventually.BecomesAsync(async () => (await AskAsync("/decide")).Status, 200);

        Task<ApiAnswer> AskAsync(string path) => tenant.Admin.PostAsync(path, new { capability_id = "orders.read" });
    }

    [Fact]
    public async Task The_default_fleet_answers_for_its_tenant_and_explains_itself()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PostAsync("/decide", new { capability_id = "orders.read" })).ExpectProblem(404, "fleet.unknown");
        await tenant.FleetAsync("default");
        await Eventually.BecomesAsync(async () => (await tenant.Admin.PostAsync("/decide", new { capability_id = "orders.read" })).Code, "decide.no_policy");
        var (baseline, _) = await tenant.RunningFleetAsync("default", _bundles, nodes: 0);
        await Eventually.BecomesAsync(async () => (await tenant.Admin.PostAsync("/decide", new { capability_id = "orders.read" })).Status, 200);

        var decided = await tenant.Admin.PostAsync("/decide", new { capability_id = "orders.read" });
        var explained = (await tenant.Admin.PostAsync("/decide:explain", new { capability_id = "orders.read" })).Expect(200);

        Assert.True(decided["decision"].GetProperty("allowed").GetBoolean());
        Assert.Equal(baseline, decided["policy_hash"].GetString());
        Assert.True(explained["steps"][0].GetProperty("matched").GetBoolean());
        (await tenant.Admin.PostAsync("/decide", new { })).ExpectProblem(400, "request.capability_id");
        (await tenant.Admin.PostAsync("/decide", new { capability_id = "x", context = "y" })).ExpectProblem(400, "request.context");
    }

    [Fact]
    public async Task A_trial_that_would_try_too_many_rules_is_refused_and_a_large_one_is_decided()
    {
        var tenant = await plane.NewTenantAsync();
        var viewer = await tenant.WithRoleAsync("viewer");
        var rules = string.Join(',', Enumerable.Range(0, 2_500).Select(i => $$$"""{"id":"r{{{i}}}","effect":"deny","match":{"path":"context.n","eq":{{{i}}}}}"""));
        const string Input = """{"capability_id":"x"}""";
        string Trial(int inputs) => $$"""{"bundle":{{TestBundles.OfRules("1.0.0", rules)}},"inputs":[{{string.Join(',', Enumerable.Repeat(Input, inputs))}}]}""";

        var refused = (await viewer.PostAsync("/bundles/try", Trial(10_000))).ExpectProblem(400, "request.inputs");
        var decided = (await viewer.PostAsync("/bundles/try", Trial(100))).Expect(200);

        Assert.Contains("the first 8000 can be", refused["detail"].GetString(), StringComparison.Ordinal);
        Assert.Equal(100, decided["decisions"].GetArrayLength());
    }
}
