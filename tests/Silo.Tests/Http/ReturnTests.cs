using System.Text.Json;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>The way back over HTTP: rollbacks with their times, fast-track, quarantine, the epoch.</summary>
[Collection(OneControlPlane.Name)]
public sealed class ReturnTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_rollback_is_over_when_every_node_said_so_and_its_target_stays_in_quarantine_until_released()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles);
        var path = await StartAsync(tenant);

        var back = (await tenant.Admin.PostAsync(path + "/rollback", new { reason = "no" })).Expect(200)["rollback"];
        Assert.Equal(JsonValueKind.String, back.GetProperty("detected_at").ValueKind);
        Assert.Equal(60, back.GetProperty("deadline_sec").GetInt32());
        (await tenant.Admin.PostAsync("/rollouts", Start())).ExpectProblem(409, "rollout.in_flight");
        var over = await AckUntilOverAsync(tenant, path, baseline);

        Assert.True(over.GetProperty("over_ms").GetDouble() is > 0 and < 20_000);
        Assert.True(over.GetProperty("durable_ms").GetDouble() < 5_000 && over.GetProperty("last_ack_ms").GetDouble() < 20_000);
        Assert.Equal((2, 2), (over.GetProperty("nodes").GetProperty("nodes").GetInt32(), over.GetProperty("nodes").GetProperty("acked").GetInt32()));
        (await tenant.Admin.PostAsync("/rollouts", Start())).ExpectProblem(409, "rollout.quarantined");
        var held = (await tenant.Admin.GetAsync("/fleets/edge/quarantine")).Expect(200)["quarantine"];
        Assert.Equal(next, held.EnumerateArray().Single().GetProperty("policy_hash").GetString());
        (await tenant.Admin.PostAsync($"/fleets/edge/quarantine/{next}/release", new { })).ExpectProblem(400, "reason.missing");
        (await tenant.Admin.PostAsync($"/fleets/edge/quarantine/{baseline}/release", new { reason = "?" })).ExpectProblem(404, "quarantine.unknown");
        (await tenant.Admin.PostAsync($"/fleets/edge/quarantine/{next}/release", new { reason = "it was the network" })).Expect(200);
        Assert.Empty((await tenant.Admin.GetAsync("/fleets/edge/quarantine")).Expect(200)["quarantine"].EnumerateArray());
        var metrics = await plane.Admin.GetAsync("/metrics");
        Assert.Contains($"policy_rollback_seconds_count{{fleet=\"edge\",kind=\"rollout\",tenant=\"{tenant.Name}\"}} 1", metrics.Text, StringComparison.Ordinal);
        Assert.Contains($"policy_rollout_looks_total{{fleet=\"edge\",tenant=\"{tenant.Name}\"}} ", metrics.Text, StringComparison.Ordinal);
        Assert.Contains("rollback.over", (await tenant.Admin.GetAsync(path + "/events")).Text, StringComparison.Ordinal);
        Assert.Contains("last_ack_ms", (await tenant.Admin.GetAsync("/audit?after=0&limit=1000")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fleet_is_brought_back_at_once_whatever_is_in_flight_and_asking_twice_does_it_once()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles);
        var path = await StartAsync(tenant);
        var tokens = (await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble();

        (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { })).ExpectProblem(400, "reason.missing");
        (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { @ref = "2.0.0", reason = "no" })).ExpectProblem(409, "rollout.never_complete");
        (await tenant.Admin.PostAsync("/fleets/nobody/rollback", new { reason = "no" })).ExpectProblem(404, "fleet.unknown");
        var begun = (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { reason = "no" }, ("Idempotency-Key", "once"))).Expect(202);
        var again = (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { reason = "no" }, ("Idempotency-Key", "once"))).Expect(202);

        Assert.Equal(begun["rollout_id"].GetString(), again["rollout_id"].GetString());
        Assert.Equal(("fast_track", "ACTIVE", baseline), (begun["kind"].GetString(), begun["state"].GetString(), begun["target"].GetString()));
        Assert.EndsWith($"/rollouts/{begun["rollout_id"].GetString()}", begun.Headers["Location"], StringComparison.Ordinal);
        var ended = (await tenant.Admin.GetAsync(path)).Expect(200);
        Assert.Equal(("ROLLED_BACK", "rollback.superseded"), (ended["state"].GetString(), ended["why"].GetProperty("code").GetString()));
        Assert.True((await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble() >= tokens);
        Assert.Equal(next, (await tenant.Admin.GetAsync("/fleets/edge/quarantine"))["quarantine"].EnumerateArray().Single().GetProperty("policy_hash").GetString());
        var track = $"/rollouts/{begun["rollout_id"].GetString()}";
        var over = await AckUntilOverAsync(tenant, track, baseline);
        Assert.Equal(40, over.GetProperty("nodes").GetProperty("acked").GetInt32());
        Assert.Equal("COMPLETE", (await tenant.Admin.GetAsync(track))["state"].GetString());
        (await tenant.Admin.PostAsync(track + "/rollback", new { reason = "no" })).ExpectProblem(409, "rollout.state");
        (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { @ref = "1.0.0", reason = "no" })).ExpectProblem(409, "rollout.already_running");
    }

    [Fact]
    public async Task A_fleet_whose_nodes_know_better_starts_nothing_until_an_admin_raises_its_epoch()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        await ReportAsync(tenant, 0, epoch: 50, baseline);

        await UntilAsync(async () => (await tenant.Admin.GetAsync("/fleets/edge/nodes/n001/directive")).Status == 503);
        (await tenant.Admin.GetAsync("/fleets/edge/nodes/n001/directive")).ExpectProblem(503, "lease.unavailable");
        (await tenant.Admin.PostAsync("/rollouts", Start())).ExpectProblem(409, "fleet.epoch_behind");
        (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { reason = "no" })).ExpectProblem(409, "fleet.epoch_behind");
        Assert.Equal("fleet.epoch_behind", (await tenant.Admin.GetAsync("/fleets/edge/why")).Expect(200)["code"].GetString());
        Assert.Equal(50, (await tenant.Admin.GetAsync("/fleets/edge")).Expect(200)["epoch_behind"].GetInt64());
        (await (await tenant.WithRoleAsync("operator")).PostAsync("/fleets/edge/epoch", new { epoch = 51, reason = "restored" })).Expect(403);
        (await tenant.Admin.PostAsync("/fleets/edge/epoch", new { epoch = 50, reason = "restored" })).ExpectProblem(400, "fleet.epoch_invalid");
        (await tenant.Admin.PostAsync("/fleets/edge/epoch", new { epoch = 51, reason = "restored" })).Expect(200);

        await UntilAsync(async () => (await tenant.Admin.GetAsync("/fleets/edge/nodes/n001/directive")).Status == 200);
        await StartAsync(tenant);
    }

    private static object Start() => new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "try" };

    private static async Task<string> StartAsync(TestTenant tenant) =>
        $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start())).Expect(201)["rollout_id"].GetString()}";

    private static async Task<JsonElement> AckUntilOverAsync(TestTenant tenant, string path, string hash)
    {
        var epoch = (await tenant.Admin.GetAsync("/fleets/edge"))["directive"].GetProperty("epoch").GetInt64();
        await Task.WhenAll(Enumerable.Range(0, 40).Select(node => ReportAsync(tenant, node, epoch, hash)));
        JsonElement back = default;
        await UntilAsync(async () => (back = (await tenant.Admin.GetAsync(path)).Expect(200)["rollback"]).TryGetProperty("over_at", out _));
        return back;
    }

    // A report that knows a higher epoch than the silo is heard, and answered without a lease.
    private static async Task ReportAsync(TestTenant tenant, int node, long epoch, string hash)
    {
        var word = new { boot_id = $"b{epoch}", seq = 1, epoch, policy_hash = hash, ack = true, metrics = new { } };
        var answer = await tenant.Admin.PostAsync($"/fleets/edge/nodes/n{node:000}/report", word);
        Assert.True(answer.Status is 200 or 503, answer.ToString());
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds())
        {
            Assert.False(deadline.IsCancellationRequested);
            await Task.Delay(50);
        }
    }
}
