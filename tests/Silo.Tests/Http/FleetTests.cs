namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class FleetTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_fleet_has_settings_counts_and_a_directive()
    {
        var tenant = await plane.NewTenantAsync();

        (await tenant.Admin.PutAsync("/fleets/edge", new { max_staleness_sec = 30, report_interval_sec = 0.5 })).Expect(200);
        await tenant.FleetAsync("edge", nodes: 3, settings: new { max_staleness_sec = 30, report_interval_sec = 0.5 });

        var fleet = (await tenant.Admin.GetAsync("/fleets/edge")).Expect(200);
        Assert.Equal(30, fleet["settings"].GetProperty("max_staleness_sec").GetInt32());
        Assert.Equal(0, fleet["directive"].GetProperty("epoch").GetInt64());
        Assert.Equal("60s", fleet["rollback_bound"].GetString());
        Assert.Equal(3, fleet["nodes"].EnumerateObject().Sum(state => state.Value.GetInt32()));
        Assert.Equal("edge", (await tenant.Admin.GetAsync("/fleets")).Expect(200)["fleets"][0].GetProperty("fleet").GetString());
        Assert.Equal("fleet.no_bundle", (await tenant.Admin.GetAsync("/fleets/edge/why")).Expect(200).Code);
    }

    [Fact]
    public async Task Without_leases_there_is_no_bound()
    {
        var tenant = await plane.NewTenantAsync();

        var fleet = (await tenant.Admin.PutAsync("/fleets/edge", """{"max_staleness_sec":null}""")).Expect(200);

        Assert.Equal("none", fleet["rollback_bound"].GetString());
    }

    [Theory]
    [InlineData("""{"max_staleness_sec":5}""", "fleet.")]
    [InlineData("""{"max_staleness_sec":46}""", "fleet.")]
    [InlineData("""{"report_interval_sec":0.1}""", "fleet.")]
    [InlineData("""{"report_interval_sec":1e999}""", "fleet.")]
    [InlineData("""{"node_ttl_sec":-1}""", "fleet.")]
    [InlineData("""{"requires_armed":"yes"}""", "request.invalid")]
    [InlineData("""{"max_staleness_sec":"45"}""", "request.invalid")]
    [InlineData("[]", "request.invalid")]
    [InlineData("{", "json.malformed")]
    [InlineData("""{"node_ttl_sec":60,"node_ttl_sec":70}""", "json.duplicate_key")]
    public async Task Settings_that_do_not_fit_are_refused(string settings, string code)
    {
        var tenant = await plane.NewTenantAsync();

        var refused = (await tenant.Admin.PutAsync("/fleets/edge", settings)).Expect(400);

        Assert.StartsWith(code, refused.Code, StringComparison.Ordinal);
        (await tenant.Admin.GetAsync("/fleets/edge")).ExpectProblem(404, "fleet.unknown");
    }

    [Fact]
    public async Task A_baseline_is_set_once_and_every_node_is_to_run_it()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        await tenant.FleetAsync("edge", nodes: 2);
        var hash = await tenant.PublishAsync(_bundles, "1.0.0");

        var set = (await tenant.Admin.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);

        Assert.Equal(hash, set["directive"].GetProperty("target").GetString());
        Assert.Equal("COMPLETE", (await tenant.Admin.GetAsync("/fleets/edge/why")).Expect(200)["state"].GetString());
        (await tenant.Admin.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "again" })).ExpectProblem(409, "fleet.has_baseline");
        (await tenant.Admin.PutAsync("/fleets/nowhere/baseline", new { @ref = "1.0.0", reason = "first" })).ExpectProblem(404, "fleet.unknown");
        Assert.Equal(["ref.invalid", "reason.missing"], (await tenant.Admin.PutAsync("/fleets/edge/baseline", new { })).Expect(400).ErrorCodes);
    }

    [Fact]
    public async Task A_baseline_of_a_bundle_that_is_not_there_is_404()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        await tenant.FleetAsync("edge");

        (await tenant.Admin.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).ExpectProblem(404, "bundle.unknown");
    }

    [Fact]
    public async Task Convergence_names_who_is_not_proven_to_run_a_hash()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 2);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        (await node.PostAsync("/fleets/edge/nodes/n000/report", new { boot_id = "b", seq = 1, epoch = 1, policy_hash = baseline, ack = true })).Expect(200);

        await Eventually.BecomesAsync(async () => (await tenant.Admin.GetAsync($"/fleets/edge/convergence?policy_hash={baseline}")).Expect(200)["on_hash"].GetInt32(), 1);

        var answer = await tenant.Admin.GetAsync($"/fleets/edge/convergence?policy_hash={baseline}");
        Assert.Equal(2, answer["total"].GetInt32());
        Assert.Equal(["n001"], answer["unknown"].EnumerateArray().Select(name => name.GetString()));
        Assert.False(answer["converged"].GetBoolean());
        (await tenant.Admin.GetAsync("/fleets/edge/convergence?policy_hash=zz")).ExpectProblem(400, "policy_hash.invalid");
        (await tenant.Admin.GetAsync($"/fleets/nowhere/convergence?policy_hash={baseline}")).ExpectProblem(404, "fleet.unknown");
    }
}
