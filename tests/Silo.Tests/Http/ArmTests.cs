using System.Diagnostics;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class ArmTests(PostgresServer server, ControlPlane plane) : IDisposable
{
    private const string Path = "/fleets/edge/nodes/n000";
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_fleet_that_demands_arming_serves_nothing_until_it_is_armed()
    {
        var (tenant, node) = await ArmedFleetAsync();
        await SpeakAsync(node);
        (await node.PostAsync(Path + "/decide", Question)).ExpectProblem(503, "decide.disarmed");
        Assert.False((await node.GetAsync(Path + "/directive"))["armed"].GetBoolean());
        Assert.False((await tenant.Admin.GetAsync("/fleets/edge"))["armed"].GetBoolean());
        Assert.False((await node.PostAsync(Path + "/decide", Question))["allowed"].GetBoolean());

        var armed = (await tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "checked" })).Expect(200);

        Assert.True(armed["armed"].GetBoolean());
        Assert.Equal("n000", armed["unconfirmed"][0].GetString());
        var heard = await SpeakAsync(node);
        Assert.Equal((true, armed["arm_epoch"].GetInt64()), (heard["armed"].GetBoolean(), heard["arm_epoch"].GetInt64()));
        await SpeakAsync(node);
        (await node.PostAsync(Path + "/decide", Question)).Expect(200);
    }

    [Fact]
    public async Task A_disarm_wakes_a_held_poll_and_is_answered_once_the_node_has_said_so()
    {
        var (tenant, node) = await ArmedFleetAsync();
        (await tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "go" })).Expect(200);
        var first = await node.GetAsync(Path + "/directive");
        await SpeakAsync(node);
        var poll = node.GetAsync(Path + "/directive?wait=7", ("If-None-Match", first.Headers["ETag"]));
        var disarm = tenant.Admin.PostAsync("/fleets/edge/disarm", new { reason = "stop" });

        var heard = (await poll).Expect(200);
        Assert.False(heard["armed"].GetBoolean());
        await SpeakAsync(node);
        var answer = (await disarm).Expect(200);

        Assert.Equal((false, 1, 0, 0), (answer["armed"].GetBoolean(), answer["confirmed"].GetInt32(), answer["unconfirmed"].GetArrayLength(), answer["unconfirmed_count"].GetInt32()));
        Assert.Equal(heard["arm_epoch"].GetInt64(), answer["arm_epoch"].GetInt64());
        Assert.True(answer["in_force_by"].GetDateTimeOffset() <= DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.False((await node.GetAsync(Path))["armed"].GetBoolean());
    }

    [Fact]
    public async Task A_node_that_says_nothing_is_named_with_the_time_by_which_it_is_fenced()
    {
        var (tenant, node) = await ArmedFleetAsync();
        (await tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "go" })).Expect(200);
        await SpeakAsync(node);
        var clock = Stopwatch.StartNew();

        var answer = (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0.3", new { reason = "stop" })).Expect(200);

        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(0.25), $"It took {clock.Elapsed}.");
        Assert.Equal(("n000", 0), (answer["unconfirmed"][0].GetString(), answer["confirmed"].GetInt32()));
        Assert.InRange((answer["in_force_by"].GetDateTimeOffset() - DateTimeOffset.UtcNow).TotalSeconds, 1, 49);
    }

    [Fact]
    public async Task Without_leases_a_disarm_says_that_nothing_bounds_it()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles, nodes: 1, settings: new { requires_armed = true, max_staleness_sec = (int?)null });

        var answer = (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" })).Expect(200);

        Assert.Equal(System.Text.Json.JsonValueKind.Null, answer["in_force_by"].ValueKind);
        Assert.Equal(1, answer["unconfirmed_count"].GetInt32());
    }

    [Fact]
    public async Task A_narrow_arm_never_undoes_a_wide_disarm()
    {
        var (tenant, node) = await ArmedFleetAsync();
        var other = await plane.NewTenantAsync();
        await other.FleetAsync("edge", nodes: 1);
        (await tenant.Admin.PostAsync("/disarm?wait=0", new { reason = "stop all" })).Expect(200);
        (await tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "go" })).Expect(200);
        (await tenant.Admin.PostAsync(Path + "/arm?wait=0", new { reason = "go" })).Expect(200);

        Assert.False((await SpeakAsync(node))["armed"].GetBoolean());
        Assert.True((await other.Admin.GetAsync("/fleets/edge"))["armed"].GetBoolean());
        var seen = await tenant.Admin.GetAsync("/fleets/edge");
        Assert.Equal("stop all", seen["arming"].GetProperty("tenant").GetProperty("reason").GetString());

        var first = await tenant.WithRoleAsync("operator", subject: "first");
        var waits = (await first.PostAsync("/arm", new { reason = "over" })).Expect(202);
        var approver = await tenant.WithRoleAsync("approver", subject: "second");
        (await approver.PostAsync("/arm?wait=0", new { reason = "over", pending_id = waits["pending_id"].GetString() })).Expect(200);

        Assert.True((await SpeakAsync(node))["armed"].GetBoolean());
    }

    [Fact]
    public async Task A_single_node_is_disarmed_and_the_others_serve_on()
    {
        var (tenant, node) = await ArmedFleetAsync(nodes: 2);
        var second = await tenant.WithRoleAsync("node", "edge", "n001");
        (await tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "go" })).Expect(200);

        var stopped = (await tenant.Admin.PostAsync(Path + "/disarm?wait=0", new { reason = "stop one" })).Expect(200);

        Assert.Equal(1, stopped["unconfirmed_count"].GetInt32());
        Assert.False((await SpeakAsync(node))["armed"].GetBoolean());
        Assert.True((await SpeakAsync(second, "n001"))["armed"].GetBoolean());
    }

    [Fact]
    public async Task Arming_again_after_an_emergency_takes_two_people()
    {
        var (tenant, node) = await ArmedFleetAsync();
        var first = await tenant.WithRoleAsync("operator", subject: "olga");
        var second = await tenant.WithRoleAsync("approver", subject: "piet");
        (await first.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "fire", emergency = true })).Expect(200);

        (await second.PostAsync("/fleets/edge/arm", new { reason = "over" })).ExpectProblem(403, "auth.role");
        var waits = (await first.PostAsync("/fleets/edge/arm", new { reason = "over" })).Expect(202);
        var id = waits["pending_id"].GetString();

        Assert.Equal(("second_person", false), (waits["needs"].GetString(), waits["armed"].GetBoolean()));
        Assert.False((await SpeakAsync(node))["armed"].GetBoolean());
        (await first.PostAsync("/fleets/edge/arm", new { reason = "over", pending_id = id })).ExpectProblem(403, "arm.same_person");
        (await second.PostAsync("/fleets/edge/arm", new { reason = "over", pending_id = "another" })).ExpectProblem(409, "arm.pending_void");
        (await second.PostAsync("/arm", new { reason = "over", pending_id = id })).ExpectProblem(409, "arm.pending_void");
        (await second.PostAsync("/fleets/edge/arm", new { pending_id = id })).ExpectProblem(400, "reason.missing");
        Assert.True((await second.PostAsync("/fleets/edge/arm?wait=0", new { reason = "I looked", pending_id = id })).Expect(200)["armed"].GetBoolean());
        Assert.True((await SpeakAsync(node))["armed"].GetBoolean());
        var audit = await tenant.Admin.GetAsync("/audit?limit=1000");
        Assert.Equal(
            ["arm.disarmed olga fire", "arm.requested olga over", "arm.armed piet I looked"],
            audit["entries"].EnumerateArray().Where(entry => entry.GetProperty("action").GetString()!.StartsWith("arm.", StringComparison.Ordinal))
                .Select(entry => $"{entry.GetProperty("action").GetString()} {entry.GetProperty("actor").GetString()} {entry.GetProperty("reason").GetString()}"));
    }

    [Fact]
    public async Task The_same_request_is_done_once_and_a_repeated_disarm_is_a_new_one()
    {
        var (tenant, _) = await ArmedFleetAsync();
        (string, string) key = ("Idempotency-Key", "d-1");

        var first = (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" }, key)).Expect(200);
        plane.ForgetOperations();
        var again = (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" }, key)).Expect(200);
        var anew = (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" })).Expect(200);

        Assert.Equal(first["arm_epoch"].GetInt64(), again["arm_epoch"].GetInt64());
        Assert.True(anew["arm_epoch"].GetInt64() > first["arm_epoch"].GetInt64());
        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "other" }, key)).ExpectProblem(422, "operation.reused");
    }

    [Theory]
    [InlineData("/fleets/edge/arm", """{}""", 400, "reason.missing")]
    [InlineData("/fleets/edge/arm", "", 400, "reason.missing")]
    [InlineData("/fleets/edge/arm", """{"reason":"  "}""", 400, "reason.missing")]
    [InlineData("/fleets/edge/disarm", """{"reason":null}""", 400, "reason.missing")]
    [InlineData("/disarm", """{"reason":7}""", 400, "request.invalid")]
    [InlineData("/fleets/edge/disarm", """{"reason":"x","emergency":"yes"}""", 400, "request.invalid")]
    [InlineData("/fleets/edge/disarm?wait=x", """{"reason":"x"}""", 400, "request.wait")]
    [InlineData("/fleets/edge/disarm?wait=-1", """{"reason":"x"}""", 400, "request.wait")]
    [InlineData("/fleets/nowhere/disarm", """{"reason":"x"}""", 404, "fleet.unknown")]
    [InlineData("/fleets/edge/nodes/nobody/disarm", """{"reason":"x"}""", 404, "node.unknown")]
    [InlineData("/fleets/edge/nodes/NOT/disarm", """{"reason":"x"}""", 400, "name.invalid")]
    public async Task What_does_not_fit_is_refused_and_changes_nothing(string path, string body, int status, string code)
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 1);

        (await tenant.Admin.PostAsync(path, body)).ExpectProblem(status, code);

        Assert.True((await tenant.Admin.GetAsync("/fleets/edge"))["armed"].GetBoolean());
    }

    [Fact]
    public async Task Everything_is_stopped_by_installation_admins_alone()
    {
        var tenant = await plane.NewTenantAsync();
        var admin = await tenant.WithRoleAsync("admin");

        (await admin.Api.PostAsync("/v1/disarm", new { reason = "stop" })).ExpectProblem(403, "auth.role");
        (await admin.Api.PostAsync("/v1/arm", new { reason = "go" })).ExpectProblem(403, "auth.role");
        (await plane.Admin.PostAsync("/v1/arm", new { })).ExpectProblem(400, "reason.missing");
    }

    [Fact]
    public async Task What_stopped_everything_is_ended_by_two_admins_of_the_installation()
    {
        // On a host of its own: what is said of everything is said of every other test's fleets too.
        using var folder = new TemporaryFolder();
        await using var host = await PolicyHost.StartAsync(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = folder.Path,
            ConnectionString = await server.CreateDatabaseAsync(),
        });
        var address = new Uri(host.Addresses.Single());
        using var first = new ApiClient(address, (await File.ReadAllTextAsync(folder["admin.key"])).Trim());
        using var alice = await MakeAdminAsync(first, "alice");
        using var bob = await MakeAdminAsync(first, "bob");
        using var other = await MakeAdminAsync(alice, "carol");
        (await first.PutAsync("/v1/default/fleets/edge", new { })).Expect(200);

        (await first.PostAsync("/v1/disarm?wait=0", new { reason = "fire" })).Expect(200);
        await ServesAsync(false);
        var id = (await alice.PostAsync("/v1/arm", new { reason = "over" })).Expect(202)["pending_id"].GetString();
        foreach (var same in (ApiClient[])[alice, first, other])
        {
            (await same.PostAsync("/v1/arm", new { reason = "over", pending_id = id })).ExpectProblem(403, "arm.same_person");
        }

        await ServesAsync(false);
        Assert.True((await bob.PostAsync("/v1/arm?wait=0", new { reason = "I looked", pending_id = id })).Expect(200)["armed"].GetBoolean());
        await ServesAsync(true);

        // What the first admin asks for nobody completes whose key it made; a new disarm voids it, and two others ask.
        (await alice.PostAsync("/v1/disarm?wait=0", new { reason = "fire" })).Expect(200);
        id = (await first.PostAsync("/v1/arm", new { reason = "over" })).Expect(202)["pending_id"].GetString();
        (await bob.PostAsync("/v1/arm", new { reason = "over", pending_id = id })).ExpectProblem(403, "arm.same_person");
        (await bob.PostAsync("/v1/disarm?wait=0", new { reason = "ask anew" })).Expect(200);
        id = (await bob.PostAsync("/v1/arm", new { reason = "over" })).Expect(202)["pending_id"].GetString();
        (await alice.PostAsync("/v1/arm?wait=0", new { reason = "over", pending_id = id })).Expect(200);
        await ServesAsync(true);

        Task ServesAsync(bool armed) =>
            Eventually.BecomesAsync(async () => (await first.GetAsync("/v1/default/fleets/edge")).Expect(200)["armed"].GetBoolean(), armed);
    }

    [Fact]
    public async Task Twenty_at_once_are_all_taken_and_the_last_one_stands()
    {
        var (tenant, node) = await ArmedFleetAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => tenant.Admin.PostAsync($"/fleets/edge/{(i % 2 == 0 ? "disarm" : "arm")}?wait=0", new { reason = $"{i}" })));

        Assert.All(answers, answer => answer.Expect(200));
        var last = answers.MaxBy(answer => answer["arm_epoch"].GetInt64())!;
        var seen = await tenant.Admin.GetAsync("/fleets/edge");
        Assert.Equal(last["armed"].GetBoolean(), seen["armed"].GetBoolean());
        Assert.Equal(last["armed"].GetBoolean(), (await SpeakAsync(node))["armed"].GetBoolean());
        Assert.True((await tenant.Admin.GetAsync("/audit/verify"))["valid"].GetBoolean());
    }

    [Fact]
    public async Task A_fleet_that_begins_to_demand_arming_is_disarmed_until_somebody_arms_it()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles, nodes: 1);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        var before = await SpeakAsync(node);

        (await tenant.Admin.PutAsync("/fleets/edge", new { requires_armed = true })).Expect(200);

        var after = await SpeakAsync(node);
        Assert.Equal((true, false), (before["armed"].GetBoolean(), after["armed"].GetBoolean()));
        Assert.True(after["arm_epoch"].GetInt64() > before["arm_epoch"].GetInt64());
    }

    private static async Task<ApiClient> MakeAdminAsync(ApiClient by, string subject) =>
        new(by.Address, (await by.PostAsync("/v1/keys", new { name = subject, subject, role = "admin" })).Expect(201)["key"].GetString());

    private static object Question => new { capability_id = "orders.read" };

    private async Task<(TestTenant Tenant, TenantClient Node)> ArmedFleetAsync(int nodes = 1)
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles, nodes, settings: new { requires_armed = true });
        return (tenant, await tenant.WithRoleAsync("node", "edge", "n000"));
    }

    /// <summary>What an agent does: hears, obeys, reports. The directive that it heard.</summary>
    private static async Task<ApiAnswer> SpeakAsync(TenantClient node, string name = "n000")
    {
        var heard = (await node.GetAsync($"/fleets/edge/nodes/{name}/directive")).Expect(200);
        (await node.PostAsync($"/fleets/edge/nodes/{name}/report", new
        {
            boot_id = "boot",
            seq = Interlocked.Increment(ref _seq),
            epoch = heard["epoch"].GetInt64(),
            arm_epoch = heard["arm_epoch"].GetInt64(),
            armed = heard["armed"].GetBoolean(),
            policy_hash = heard["policy_hash"].GetString(),
            ack = true,
        })).Expect(200);
        return heard;
    }

    private static long _seq;
}
