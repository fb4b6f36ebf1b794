using System.Diagnostics;
using System.Text;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class DirectiveTests(ControlPlane plane) : IDisposable
{
    private const string Path = "/fleets/edge/nodes/n000/directive";
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_directive_grants_a_lease_and_says_what_to_fetch()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");

        var heard = (await node.GetAsync(Path)).Expect(200);

        Assert.Equal(1, heard["epoch"].GetInt64());
        Assert.Equal(baseline, heard["policy_hash"].GetString());
        Assert.Equal("1.0.0", heard["version"].GetString());
        Assert.Equal(45, heard["lease_sec"].GetInt32());
        Assert.Equal("45", heard.Headers["Lease-Sec"]);
        (await node.Api.GetAsync(heard["content_url"].GetString()!)).Expect(200);
    }

    [Fact]
    public async Task An_unchanged_directive_is_held_and_then_304_with_a_lease()
    {
        var (_, node) = await ServedNodeAsync();
        var tag = (await node.GetAsync(Path)).Headers["ETag"];
        var clock = Stopwatch.StartNew();

        var held = (await node.GetAsync(Path + "?wait=1", ("If-None-Match", tag))).Expect(304);

        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(0.9), $"It was held for {clock.Elapsed}.");
        Assert.Equal("45", held.Headers["Lease-Sec"]);
        Assert.Equal(tag, held.Headers["ETag"]);
        Assert.Empty(held.Body);
        (await node.GetAsync(Path, ("If-None-Match", tag))).Expect(304);
        (await node.GetAsync(Path, ("If-None-Match", "\"other\""))).Expect(200);
    }

    [Fact]
    public async Task A_held_poll_wakes_when_the_directive_changes()
    {
        var (tenant, node) = await ServedNodeAsync();
        var first = await node.GetAsync(Path);
        var poll = node.GetAsync(Path + "?wait=7", ("If-None-Match", first.Headers["ETag"]));

        (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "go" })).Expect(201);

        var heard = (await poll).Expect(200);
        Assert.Equal(2, heard["epoch"].GetInt64());
    }

    [Fact]
    public async Task A_revoked_key_ends_its_open_poll()
    {
        var (tenant, node) = await ServedNodeAsync();
        var tag = (await node.GetAsync(Path)).Headers["ETag"];
        var poll = node.GetAsync(Path + "?wait=7", ("If-None-Match", tag));
        await Eventually.BecomesAsync(
            async () => (await plane.Admin.GetAsync("/metrics")).Text.Contains("policy_http_open_polls 1\n", StringComparison.Ordinal), true);

        (await tenant.Admin.DeleteAsync($"/keys/{node.KeyId}")).Expect(200);

        (await poll.WaitAsync(TimeSpan.FromSeconds(60))).ExpectProblem(401, "auth.ended");
    }

    [Fact]
    public async Task A_stream_tells_changes_and_grants_no_lease()
    {
        var (tenant, node) = await ServedNodeAsync();
        using var stream = await node.OpenAsync(Path, ("Accept", "text/event-stream"));
        Assert.Equal("text/event-stream", stream.Content.Headers.ContentType!.MediaType);
        await using var body = await stream.Content.ReadAsStreamAsync();

        var first = await ReadUntilAsync(body, "\"epoch\":1");
        (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "go" })).Expect(201);
        await ReadUntilAsync(body, "\"epoch\":2");

        Assert.Contains("event: directive", first, StringComparison.Ordinal);
        Assert.Contains("\"lease_sec\":0", first, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("1e3")]
    [InlineData("NaN")]
    public async Task A_wait_that_is_no_time_is_refused(string wait)
    {
        var (_, node) = await ServedNodeAsync();

        (await node.GetAsync($"{Path}?wait={wait}")).ExpectProblem(400, "request.wait");
    }

    [Fact]
    public async Task A_node_that_is_not_registered_hears_404()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge");

        (await (await tenant.WithRoleAsync("node", "edge", "n000")).GetAsync(Path)).ExpectProblem(404, "node.unknown");
        (await (await tenant.WithRoleAsync("node", "nowhere", "n000")).GetAsync("/fleets/nowhere/nodes/n000/directive")).ExpectProblem(404, "fleet.unknown");
    }

    private async Task<(TestTenant Tenant, TenantClient Node)> ServedNodeAsync()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        return (tenant, await tenant.WithRoleAsync("node", "edge", "n000"));
    }

    private static async Task<string> ReadUntilAsync(Stream stream, string wanted)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains(wanted, StringComparison.Ordinal))
        {
            var count = await stream.ReadAsync(buffer, limit.Token);
            Assert.NotEqual(0, count);
            text.Append(Encoding.UTF8.GetString(buffer, 0, count));
        }

        return text.ToString();
    }
}
