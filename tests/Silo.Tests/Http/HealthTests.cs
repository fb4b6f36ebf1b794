namespace OrleansPolicy.Silo.Tests.Http;

public sealed class HealthTests(ControlPlane plane) : IClassFixture<ControlPlane>
{
    [Fact]
    public async Task A_bundle_that_expires_while_a_fleet_runs_it_is_counted_and_served_on()
    {
        using var bundles = new TestBundles();
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(bundles);
        await tenant.FleetAsync("edge", nodes: 1);
        var end = DateTimeOffset.UtcNow.AddSeconds(15).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        (await tenant.Admin.PostAsync("/bundles", bundles.Sign(TestBundles.WithoutSignature("1.0.0", $",\"expires_at\":\"{end}\"")))).Expect(201);
        (await tenant.Admin.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);

        var line = $"policy_bundle_expired{{fleet=\"edge\",tenant=\"{tenant.Name}\",version=\"1.0.0\"}} 1\n";
        await Eventually.BecomesAsync(async () => (await plane.Admin.GetAsync("/metrics")).Text.Contains(line, StringComparison.Ordinal), true, seconds: 60);
        Assert.NotNull((await tenant.Admin.GetAsync("/fleets/edge")).Expect(200)["directive"].GetProperty("target").GetString());
    }

    [Fact]
    public async Task Health_is_open_to_all()
    {
        using var anybody = plane.Anybody();

        Assert.Equal("ok", (await anybody.GetAsync("/healthz")).Expect(200)["status"].GetString());
        Assert.True((await anybody.GetAsync("/readyz")).Expect(200)["ready"].GetBoolean());
    }

    [Fact]
    public async Task Metrics_are_open_on_this_machine_alone()
    {
        using var anybody = plane.Anybody();

        (await anybody.GetAsync("/metrics")).Expect(200);
        (await anybody.GetAsync("/metrics", ("X-Forwarded-For", "203.0.113.7"))).ExpectProblem(401, "auth.missing");
        (await plane.Admin.GetAsync("/metrics", ("X-Forwarded-For", "203.0.113.7"))).Expect(200);
        (await (await (await plane.NewTenantAsync()).WithRoleAsync("admin")).Api.GetAsync("/metrics", ("X-Forwarded-For", "203.0.113.7"))).ExpectProblem(403, "auth.role");
    }

    [Fact]
    public async Task Metrics_are_prometheus_text_and_count()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 3);
        (await tenant.Admin.PostAsync("/admission", new { })).Expect(200);

        await Eventually.BecomesAsync(async () => (await plane.Admin.GetAsync("/metrics")).Text.Contains($"policy_nodes{{fleet=\"edge\",state=\"silent\",tenant=\"{tenant.Name}\"}} 3", StringComparison.Ordinal), true);

        var answer = (await plane.Admin.GetAsync("/metrics")).Expect(200);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Headers["Content-Type"]);
        Assert.Contains("policy_hour_seconds 3600\n", answer.Text, StringComparison.Ordinal);
        Assert.Contains($"policy_admissions_total{{result=\"allowed\",tenant=\"{tenant.Name}\"}} 1\n", answer.Text, StringComparison.Ordinal);
        Assert.Contains("policy_http_requests_total{method=\"PUT\",route=\"/v1/{tenant}\",status=\"201\"}", answer.Text, StringComparison.Ordinal);
        foreach (var line in answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.Matches("""^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? [-+0-9.eEIinf]+)$""", line);
        }
    }
}
