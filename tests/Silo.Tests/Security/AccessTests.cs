using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Security;

[Collection(OneControlPlane.Name)]
public sealed class AccessTests(ControlPlane plane)
{
    /// <summary>One call of each kind, and the roles that may make it. Who may gets past access control: what follows may be any other answer.</summary>
    public static TheoryData<string, string, string> Calls => new()
    {
        { "GET", "/keys", "admin" },
        { "POST", "/keys", "admin" },
        { "POST", "/keys:batch", "admin" },
        { "DELETE", "/keys/none", "admin" },
        { "PUT", "/trust", "admin" },
        { "GET", "/trust", "viewer publisher operator approver relay node admin" },
        { "GET", "/trust/1", "viewer publisher operator approver relay node admin" },
        { "POST", "/bundles", "publisher admin" },
        { "POST", "/bundles/verify", "viewer publisher operator approver admin" },
        { "POST", "/bundles/try", "viewer publisher operator approver admin" },
        { "GET", "/bundles", "viewer publisher operator approver admin" },
        { "GET", "/bundles/1.0.0", "viewer publisher operator approver relay node admin" },
        { "GET", "/bundles/1.0.0/content", "viewer publisher operator approver relay node admin" },
        { "POST", "/bundles/1.0.0/decide", "viewer publisher operator approver admin" },
        { "PUT", "/tags/x", "publisher operator admin" },
        { "GET", "/tags", "viewer publisher operator approver admin" },
        { "POST", "/canonical", "viewer publisher operator approver admin" },
        { "POST", "/admission", "publisher operator admin" },
        { "GET", "/admission", "viewer publisher operator approver admin" },
        { "PUT", "/admission/config", "operator admin" },
        { "GET", "/admission/config", "viewer publisher operator approver admin" },
        { "POST", "/runs", "publisher operator admin" },
        { "GET", "/runs", "viewer publisher operator approver admin" },
        { "GET", "/runs/r", "viewer publisher operator approver admin" },
        { "POST", "/rollouts/validate", "viewer publisher operator approver admin" },
        { "POST", "/rollouts", "operator admin" },
        { "GET", "/rollouts", "viewer publisher operator approver admin" },
        { "GET", "/rollouts/r", "viewer publisher operator approver admin" },
        { "GET", "/rollouts/r/why", "viewer publisher operator approver admin" },
        { "GET", "/rollouts/r/events", "viewer publisher operator approver admin" },
        { "POST", "/rollouts/r/pause", "operator admin" },
        { "POST", "/rollouts/r/resume", "operator admin" },
        { "POST", "/rollouts/r/approve", "approver admin" },
        { "POST", "/rollouts/r/attest", "operator admin" },
        { "POST", "/rollouts/r/rollback", "operator admin" },
        { "POST", "/waves", "operator admin" },
        { "GET", "/waves", "viewer publisher operator approver admin" },
        { "GET", "/waves/w", "viewer publisher operator approver admin" },
        { "POST", "/waves/w/pause", "operator admin" },
        { "POST", "/waves/w/resume", "operator admin" },
        { "POST", "/waves/w/rollback", "operator admin" },
        { "POST", "/waves/w/end", "operator admin" },
        { "POST", "/waivers", "operator admin" },
        { "GET", "/waivers", "viewer publisher operator approver admin" },
        { "GET", "/waivers/w", "viewer publisher operator approver admin" },
        { "POST", "/waivers/w/approve", "approver admin" },
        { "DELETE", "/waivers/w", "operator admin" },
        { "GET", "/windows", "viewer publisher operator approver admin" },
        { "PUT", "/windows/w", "operator approver admin" },
        { "DELETE", "/windows/w", "operator approver admin" },
        { "GET", "/caps", "viewer publisher operator approver admin" },
        { "PUT", "/caps", "operator approver admin" },
        { "DELETE", "/caps", "operator approver admin" },
        { "GET", "/line", "viewer publisher operator approver admin" },
        { "POST", "/line/stop", "operator approver admin" },
        { "POST", "/line/release", "operator approver admin" },
        { "PUT", "/fleets/edge", "operator admin" },
        { "GET", "/fleets", "viewer publisher operator approver admin" },
        { "GET", "/fleets/edge", "viewer publisher operator approver relay admin" },
        { "GET", "/fleets/edge/why", "viewer publisher operator approver admin" },
        { "PUT", "/fleets/edge/baseline", "operator admin" },
        { "POST", "/fleets/edge/rollback", "operator admin" },
        { "POST", "/fleets/edge/epoch", "admin" },
        { "GET", "/events?after=x", "viewer publisher operator approver admin" },
        { "POST", "/webhooks", "admin" },
        { "GET", "/webhooks", "admin" },
        { "GET", "/webhooks/w", "admin" },
        { "PUT", "/webhooks/w", "admin" },
        { "DELETE", "/webhooks/w", "admin" },
        { "POST", "/webhooks/w/secret", "admin" },
        { "POST", "/webhooks/w/test", "admin" },
        { "GET", "/webhooks/w/dead", "admin" },
        { "POST", "/webhooks/w/dead/1/replay", "admin" },
        { "POST", "/arm", "operator approver admin" },
        { "POST", "/disarm", "operator approver admin" },
        { "POST", "/fleets/edge/arm", "operator approver admin" },
        { "POST", "/fleets/edge/disarm", "operator approver admin" },
        { "POST", "/fleets/edge/nodes/n1/arm", "operator approver admin" },
        { "POST", "/fleets/edge/nodes/n1/disarm", "operator approver admin" },
        { "GET", "/fleets/edge/quarantine", "viewer publisher operator approver admin" },
        { "POST", "/fleets/edge/quarantine/x/release", "operator admin" },
        { "POST", "/fleets/edge/handshake", "viewer publisher operator approver relay node admin" },
        { "GET", "/fleets/edge/convergence", "viewer publisher operator approver admin" },
        { "PUT", "/fleets/edge/nodes/n1", "operator relay node admin" },
        { "DELETE", "/fleets/edge/nodes/n1", "operator relay node admin" },
        { "POST", "/fleets/edge/nodes:batch", "operator relay admin" },
        { "GET", "/fleets/edge/nodes", "viewer publisher operator approver admin" },
        { "GET", "/fleets/edge/nodes/n1", "viewer publisher operator approver relay node admin" },
        { "GET", "/fleets/edge/nodes/n1/directive", "node admin" },
        { "POST", "/fleets/edge/nodes/n1/report", "node admin" },
        { "POST", "/fleets/edge/reports:batch", "relay admin" },
        { "POST", "/fleets/edge/nodes/n1/decide", "viewer publisher operator node admin" },
        { "POST", "/fleets/edge/decisions", "operator relay node admin" },
        { "GET", "/fleets/edge/decisions", "viewer publisher operator approver admin" },
        { "POST", "/decide", "viewer publisher operator admin" },
        { "POST", "/decide:explain", "viewer publisher operator admin" },
        { "GET", "/audit", "viewer publisher operator approver admin" },
        { "GET", "/audit/verify", "viewer publisher operator approver admin" },
    };

    private static readonly string[] Roles = ["viewer", "publisher", "operator", "approver", "relay", "node", "admin"];

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_call_is_for_its_roles_in_its_tenant_alone(string method, string path, string roles)
    {
        var tenant = await plane.NewTenantAsync();
        using var anybody = plane.Anybody();
        using var stranger = new ApiClient(plane.Address, "opk_not-a-key");

        (await CallAsync(anybody, tenant.Name)).ExpectProblem(401, "auth.missing");
        (await CallAsync(stranger, tenant.Name)).ExpectProblem(401, "auth.invalid");
        foreach (var role in Roles)
        {
            var key = await tenant.WithRoleAsync(role, role is "relay" or "node" ? "edge" : null, role is "node" ? "n1" : null);
            var answer = await CallAsync(key.Api, tenant.Name);
            Assert.True(answer.Status is 401 or 403 != roles.Split(' ').Contains(role), $"{role} {method} {path}: {answer}");
            if (answer.Status != 403)
            {
                (await CallAsync(key.Api, "default")).ExpectProblem(403, "auth.tenant");
            }
        }

        Task<ApiAnswer> CallAsync(ApiClient api, string name) =>
            api.SendAsync(new HttpMethod(method), $"/v1/{name}{path}", method is "GET" or "DELETE" ? null : ApiClient.Json("[]"));
    }

    [Fact]
    public async Task Every_call_of_a_tenant_is_in_the_table_above()
    {
        var document = (await plane.Admin.GetAsync("/openapi/v1.json")).Expect(200);
        var listed = document["paths"].EnumerateObject().Where(path => path.Name.StartsWith("/v1/{tenant}/", StringComparison.Ordinal)).Sum(path => path.Value.EnumerateObject().Count());

        Assert.Equal(listed, Calls.Count);
    }

    [Fact]
    public async Task A_node_key_acts_for_its_own_node_alone()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 2);
        await tenant.FleetAsync("core", nodes: 2);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");

        (await node.GetAsync("/fleets/edge/nodes/n000/directive")).Expect(200);
        (await node.GetAsync("/fleets/edge/nodes/n001/directive")).ExpectProblem(403, "auth.node");
        (await node.GetAsync("/fleets/core/nodes/n000/directive")).ExpectProblem(403, "auth.fleet");
        (await node.PutAsync("/fleets/edge/nodes/n001", new { })).ExpectProblem(403, "auth.node");
        (await node.PostAsync("/fleets/edge/nodes/n001/report", new { boot_id = "b", seq = 1, epoch = 0, ack = true })).ExpectProblem(403, "auth.node");
        (await node.PostAsync("/fleets/edge/nodes/n001/decide", new { capability_id = "x" })).ExpectProblem(403, "auth.node");
        (await node.DeleteAsync("/fleets/edge/nodes/n001")).ExpectProblem(403, "auth.node");
    }

    [Fact]
    public async Task A_relay_acts_for_its_own_fleet_alone()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge");
        await tenant.FleetAsync("core");
        var relay = await tenant.WithRoleAsync("relay", "edge");

        (await relay.PostAsync("/fleets/edge/nodes:batch", new[] { new { node = "a" } })).Expect(200);
        (await relay.PostAsync("/fleets/core/nodes:batch", new[] { new { node = "a" } })).ExpectProblem(403, "auth.fleet");
        (await relay.GetAsync("/fleets/core")).ExpectProblem(403, "auth.fleet");
    }

    [Fact]
    public async Task Tenants_are_the_installations_alone()
    {
        var tenant = await plane.NewTenantAsync();
        var admin = await tenant.WithRoleAsync("admin");

        (await admin.Api.GetAsync("/v1/tenants")).ExpectProblem(403, "auth.role");
        (await admin.Api.PutAsync($"/v1/{tenant.Name}", new { })).ExpectProblem(403, "auth.role");
        (await admin.Api.PutAsync("/v1/another", new { })).ExpectProblem(403, "auth.role");
    }

    [Theory]
    [InlineData("Basic YTpi")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("opk_bare")]
    public async Task What_is_no_bearer_key_counts_as_none(string header)
    {
        using var anybody = plane.Anybody();

        (await anybody.GetAsync("/v1/default/fleets", ("Authorization", header))).ExpectProblem(401, "auth.missing");
    }

    [Fact]
    public async Task Who_shows_no_key_does_not_learn_which_paths_there_are()
    {
        using var anybody = plane.Anybody();

        (await anybody.GetAsync("/nothing")).ExpectProblem(401, "auth.missing");
        (await anybody.GetAsync("/openapi/v1.json")).ExpectProblem(401, "auth.missing");
        Assert.Equal("Bearer", (await anybody.GetAsync("/v1/tenants")).Headers["WWW-Authenticate"]);
    }
}
