namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class NodeTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_node_registers_itself_and_hears_what_to_run()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        var node = await tenant.WithRoleAsync("node", "edge", "new");

        var registered = (await node.PutAsync("/fleets/edge/nodes/new", new { failure_domain = "zone-a", labels = new { rack = "r1" } })).Expect(200);

        Assert.Equal("new", registered["node"].GetString());
        Assert.Equal(baseline, registered["directive"].GetProperty("policy_hash").GetString());
        Assert.Equal(45, registered["directive"].GetProperty("lease_sec").GetInt32());
        var seen = (await node.GetAsync("/fleets/edge/nodes/new")).Expect(200);
        Assert.Equal("zone-a", seen["failure_domain"].GetString());
        Assert.Equal(0, seen["history"].GetArrayLength());
        (await node.DeleteAsync("/fleets/edge/nodes/new")).Expect(200);
        (await node.GetAsync("/fleets/edge/nodes/new")).ExpectProblem(404, "node.unknown");
        (await node.DeleteAsync("/fleets/edge/nodes/new")).ExpectProblem(404, "node.unknown");
    }

    [Fact]
    public async Task Who_registers_for_a_node_gets_no_lease_for_it()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge");

        var registered = (await tenant.Admin.PutAsync("/fleets/edge/nodes/n1", new { })).Expect(200);

        Assert.Equal(0, registered["directive"].GetProperty("lease_sec").GetInt32());
        Assert.Equal("silent", (await tenant.Admin.GetAsync("/fleets/edge/nodes/n1"))["state"].GetString());
    }

    [Fact]
    public async Task Registrations_that_do_not_fit_are_refused()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge");

        (await tenant.Admin.PutAsync("/fleets/edge/nodes/n1", new { parity_group = "NOT" })).ExpectProblem(400, "name.invalid");
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/n1", new { failure_domain = "Not A Name" })).ExpectProblem(400, "name.invalid");
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/NOT", new { })).ExpectProblem(400, "name.invalid");
        (await tenant.Admin.PutAsync("/fleets/nowhere/nodes/n1", new { })).ExpectProblem(404, "fleet.unknown");
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/n1", new { labels = new { a = 1 } })).ExpectProblem(400, "request.invalid");
        (await tenant.Admin.PostAsync("/fleets/edge/nodes:batch", "[null]")).ExpectProblem(400, "request.invalid");
        (await tenant.Admin.PostAsync("/fleets/edge/nodes:batch", new[] { new { node = "a" }, new { node = "a" } })).ExpectProblem(400, "node.duplicate");
        (await tenant.Admin.PostAsync("/fleets/edge/nodes:batch", new { node = "a" })).ExpectProblem(400, "request.invalid");
        Assert.Equal(0, (await tenant.Admin.GetAsync("/fleets/edge/nodes")).Expect(200)["nodes"].GetArrayLength());
    }

    [Fact]
    public async Task A_batch_registers_all_and_answers_with_the_whole_directive()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge");
        var relay = await tenant.WithRoleAsync("relay", "edge");

        var registered = (await relay.PostAsync("/fleets/edge/nodes:batch", Enumerable.Range(0, 1_000).Select(index => new { node = $"n{index}", failure_domain = $"z{index % 3}" }))).Expect(200);

        Assert.Equal(1_000, registered["nodes"].GetArrayLength());
        Assert.Equal(0, registered["directive"].GetProperty("epoch").GetInt64());
        Assert.Equal(1_000, (await tenant.Admin.GetAsync("/fleets/edge/nodes"))["nodes"].GetArrayLength());
    }

    [Fact]
    public async Task A_report_is_shown_with_its_reload_and_a_stale_one_changes_nothing()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        const string Path = "/fleets/edge/nodes/n000";

        var answer = (await node.PostAsync(Path + "/report", Report(baseline, seq: 2))).Expect(200);
        var stale = (await node.PostAsync(Path + "/report", Report(new string('a', 64), seq: 1))).Expect(200);

        Assert.Equal(baseline, answer["directive"].GetProperty("policy_hash").GetString());
        Assert.False(answer.Json.TryGetProperty("code", out _));
        Assert.Equal("report.stale", stale.Code);
        await Eventually.BecomesAsync(async () => (await node.GetAsync(Path)).Json.TryGetProperty("policy_hash", out var hash) ? hash.GetString() : null, baseline);
        await Eventually.BecomesAsync(async () => (await node.GetAsync(Path))["history"].GetArrayLength(), 1);
        var seen = await node.GetAsync(Path);
        Assert.Equal("live", seen["state"].GetString());
        Assert.Equal("1.0.0", seen["version"].GetString());
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"boot_id":"b","seq":1,"epoch":1}""")]
    [InlineData("""{"boot_id":"b","seq":-1,"epoch":1,"ack":true}""")]
    [InlineData("""{"boot_id":"b","seq":1,"epoch":1,"ack":true,"policy_hash":"short"}""")]
    [InlineData("""{"boot_id":"b","seq":1,"epoch":1,"ack":true,"metrics":{"m":1e999}}""")]
    [InlineData("""{"boot_id":"b","seq":1,"epoch":1,"ack":true,"metrics":{"m":{"count":-1,"sum":1}}}""")]
    [InlineData("""{"boot_id":"b","seq":1,"epoch":1,"ack":true,"metrics":{"m":null}}""")]
    [InlineData("""{"boot_id":"b","seq":1,"epoch":1,"ack":true,"metrics":{"m":"1"}}""")]
    [InlineData("""{"boot_id":"b","seq":99999999999999999999,"epoch":1,"ack":true}""")]
    [InlineData("[]")]
    public async Task A_report_that_cannot_be_read_is_refused(string report)
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 1);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");

        var refused = (await node.PostAsync("/fleets/edge/nodes/n000/report", report)).Expect(400);

        Assert.True(refused.Code is "request.invalid" or "report.invalid", refused.ToString());
    }

    [Fact]
    public async Task A_relay_reports_for_many_and_one_bad_report_keeps_back_no_other()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 3);
        var relay = await tenant.WithRoleAsync("relay", "edge");
        var reports = new object[]
        {
            Relayed("n000", baseline), Relayed("n001", baseline), Relayed("stranger", baseline), new { node = "n002", seq = 1 }, 17,
        };

        var answer = (await relay.PostAsync("/fleets/edge/reports:batch", reports)).Expect(200);

        Assert.Equal(baseline, answer["directive"].GetProperty("target").GetString());
        Assert.Equal(45, answer["lease_sec"].GetInt32());
        Assert.Equal(["", "n002", "stranger"], answer["rejected"].EnumerateArray().Select(one => one.GetProperty("node").GetString()!).Order(StringComparer.Ordinal));
        await Eventually.BecomesAsync(async () => (await tenant.Admin.GetAsync($"/fleets/edge/convergence?policy_hash={baseline}"))["on_hash"].GetInt32(), 2);
        (await relay.PostAsync("/fleets/other/reports:batch", reports)).ExpectProblem(403, "auth.fleet");
        (await relay.PostAsync("/fleets/edge/reports:batch", new { })).ExpectProblem(400, "node.batch_size");
    }

    private static object Report(string hash, int seq) => new
    {
        boot_id = "boot",
        seq,
        at = "2026-01-01T00:00:00Z",
        epoch = 1,
        arm_epoch = 0,
        policy_hash = hash,
        armed = true,
        ack = true,
        reload = new { at = "2026-01-01T00:00:00Z", version = "1.0.0", policy_hash = hash, success = true, duration_ms = 12.5, rules = 1 },
        metrics = new Dictionary<string, object> { ["decisions"] = 5, ["error_rate"] = new { count = 5, sum = 0 } },
    };

    private static object Relayed(string node, string hash) => new { node, boot_id = "b", seq = 1, epoch = 1, policy_hash = hash, ack = true };
}
