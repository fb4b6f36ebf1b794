using System.Globalization;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Limits of tenant, fleets and operators at once, what operations cost, and what no limit holds up.</summary>
[Collection(OneControlPlane.Name)]
public sealed class AdmissionLimitTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task The_refusal_names_the_limit_that_refused()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PutAsync("/admission/config", """
            {"max_updates_per_minute":60000,"min_interval_sec":0,"fleet":{"max_updates_per_minute":1,"min_interval_sec":0},
             "operators":{"ada":{"max_updates_per_minute":60,"min_interval_sec":30}}}
            """)).Expect(200);
        var ada = await tenant.WithRoleAsync("operator", subject: "ada");
        var bob = await tenant.WithRoleAsync("operator", subject: "bob");
        (await ada.PostAsync("/admission", new { })).Expect(200);
        (await bob.PostAsync("/admission", new { fleet = "edge" })).Expect(200);

        var byOperator = (await ada.PostAsync("/admission", new { })).ExpectProblem(429, "admission.refused");
        var byFleet = (await bob.PostAsync("/admission", new { fleet = "edge" })).ExpectProblem(429, "admission.refused");
        var byBoth = (await ada.PostAsync("/admission", new { fleet = "edge" })).ExpectProblem(429, "admission.refused");

        Assert.Equal("operator/ada", byOperator["scope"].GetString());
        Assert.Equal("\"operator-interval\";r=0;t=" + byOperator.Headers["Retry-After"], byOperator.Headers["RateLimit"]);
        Assert.Equal("\"operator-updates\";q=60;w=60, \"operator-interval\";q=1;w=30", byOperator.Headers["RateLimit-Policy"]);
        Assert.Equal("fleet/edge", byFleet["scope"].GetString());
        Assert.Equal("\"fleet-updates\";r=0;t=" + byFleet.Headers["Retry-After"], byFleet.Headers["RateLimit"]);
        Assert.Equal("fleet/edge", byBoth["scope"].GetString());
        Assert.InRange(byBoth["time_until_next_sec"].GetDouble(), 30, 60);
        (await bob.PostAsync("/admission", new { fleet = "core" })).Expect(200);
        Assert.Equal(30, (await tenant.Admin.GetAsync("/admission/config")).Expect(200)["operators"].GetProperty("ada").GetProperty("min_interval_sec").GetDouble());
    }

    [Fact]
    public async Task A_limit_below_one_a_minute_says_its_true_window()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 0.5);
        (await tenant.Admin.PostAsync("/admission", new { })).Expect(200);

        var refused = (await tenant.Admin.PostAsync("/admission", new { })).ExpectProblem(429, "admission.refused");

        Assert.Equal("\"updates\";q=1;w=120", refused.Headers["RateLimit-Policy"]);
        Assert.Equal("\"updates\";r=0;t=" + refused.Headers["Retry-After"], refused.Headers["RateLimit"]);
        Assert.InRange(int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture), 100, 120);
    }

    [Fact]
    public async Task An_update_takes_what_it_costs()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        (await tenant.Admin.PutAsync("/admission/config", new { max_updates_per_minute = 10, min_interval_sec = 0, costs = new Dictionary<string, double> { ["bundle.publish"] = 7 } })).Expect(200);

        await tenant.PublishAsync(_bundles, "1.0.0");

        Assert.InRange((await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble(), 3, 4);
        Assert.False((await tenant.Admin.GetAsync("/admission?operation=bundle.publish"))["allowed"].GetBoolean());
        (await tenant.Admin.PostAsync("/bundles", _bundles.Make("2.0.0"))).ExpectProblem(429, "admission.refused");
        (await tenant.Admin.GetAsync("/admission?operation=rollout.rollback")).ExpectProblem(400, "admission.operation_invalid");
    }

    [Theory]
    [InlineData("rollouts/{0}/rollback", 200)]
    [InlineData("fleets/edge/rollback", 202)]
    public async Task No_limit_holds_up_a_way_back_a_disarm_or_a_pause(string way, int status)
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var rollout = (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "new" })).Expect(201);
        (await tenant.Admin.PutAsync("/admission/config", new { max_updates_per_minute = 0.001, min_interval_sec = 86_400 })).Expect(200);
        (await tenant.Admin.PostAsync("/admission", new { })).ExpectProblem(429, "admission.refused");
        var id = rollout["rollout_id"].GetString();

        (await tenant.Admin.PostAsync($"/rollouts/{id}/pause", new { reason = "look" })).Expect(200);
        (await tenant.Admin.PostAsync($"/rollouts/{id}/resume", new { reason = "go on" })).Expect(200);
        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" })).Expect(200);
        (await tenant.Admin.PostAsync("/" + string.Format(CultureInfo.InvariantCulture, way, id), new { reason = "bad" })).Expect(status);
    }

    [Fact]
    public async Task Changes_of_the_limits_are_audited_with_both_and_set_all_of_them()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PutAsync("/admission/config", new { max_updates_per_minute = 7, min_interval_sec = 1, fleet = new { max_updates_per_minute = 2, min_interval_sec = 3 } })).Expect(200);
        (await tenant.Admin.PutAsync("/admission/config", new { max_updates_per_minute = 8, min_interval_sec = 1, file_hash = "mine" })).Expect(200);

        var limits = (await tenant.Admin.GetAsync("/admission/config")).Expect(200);
        var entry = (await tenant.Admin.GetAsync("/audit?limit=1000"))["entries"].EnumerateArray().Last();

        Assert.False(limits.Json.TryGetProperty("fleet", out _));
        Assert.False(limits.Json.TryGetProperty("file_hash", out _));
        Assert.Equal("admission.configured", entry.GetProperty("action").GetString());
        Assert.Contains("\"max_updates_per_minute\":2,", entry.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("""-> {"max_updates_per_minute":8,"min_interval_sec":1}""", entry.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }
}
