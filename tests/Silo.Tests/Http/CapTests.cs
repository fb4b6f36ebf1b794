namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class CapTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_start_beyond_the_cap_is_refused_and_neither_rollback_nor_fast_track_is()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        await FleetOnBaselineAsync(tenant, "core");
        await FleetOnBaselineAsync(tenant, "far");
        var edge = (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201)["rollout_id"].GetString();
        (await tenant.Admin.PostAsync("/rollouts", Start("core"))).Expect(201);
        Assert.DoesNotContain("rollout.tenant_cap", await WarningsAsync(tenant));

        // Below what is in flight: that goes on.
        (await tenant.Admin.PutAsync("/caps", new { max_concurrent_rollouts = 1, reason = "we are few" })).Expect(200);
        Assert.Equal("ACTIVE", (await tenant.Admin.GetAsync($"/rollouts/{edge}")).Expect(200)["state"].GetString());
        Assert.Equal("PAUSED", (await tenant.Admin.PostAsync($"/rollouts/{edge}/pause", new { reason = "wait" })).Expect(200)["state"].GetString());

        var refused = (await tenant.Admin.PostAsync("/rollouts", Start("far"))).ExpectProblem(409, "rollout.tenant_cap")["detail"].GetString();
        Assert.StartsWith("2 rollouts of the tenant are in flight, the limit is 1: ", refused, StringComparison.Ordinal);
        Assert.Contains($"{edge} on edge (PAUSED)", refused, StringComparison.Ordinal);
        Assert.Contains("rollout.tenant_cap", await WarningsAsync(tenant));

        Assert.Equal("ROLLED_BACK", (await tenant.Admin.PostAsync($"/rollouts/{edge}/rollback", new { reason = "back" })).Expect(200)["state"].GetString());
        (await tenant.Admin.PostAsync("/fleets/core/rollback", new { reason = "back" })).Expect(202);
        (await tenant.Admin.DeleteAsync("/caps?reason=enough%20of%20us")).Expect(200);
        (await tenant.Admin.PostAsync("/rollouts", Start("far"))).Expect(201);
    }

    [Fact]
    public async Task A_cap_on_nodes_of_a_failure_domain_bounds_what_a_check_counts_and_a_start_assigns()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        (await tenant.Admin.PutAsync("/caps", new { max_nodes_per_failure_domain = 1, reason = "one of a rack" })).Expect(200);

        var stages = (await tenant.Admin.PostAsync("/rollouts/validate", new { fleet = "edge", rollout_wedge = TestPlans.Sound() })).Expect(200)["stages"];
        Assert.Equal([1, 1, 1, 40], stages.EnumerateArray().Select(stage => stage.GetProperty("nodes").GetInt32()));
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201)["rollout_id"].GetString()}";
        await Eventually.BecomesAsync(
            async () => (await tenant.Admin.GetAsync(path)).Expect(200).Json.TryGetProperty("nodes", out var nodes) ? nodes.GetProperty("assigned").GetInt32() : -1, 1, seconds: 60);
    }

    [Fact]
    public async Task Caps_are_told_changed_and_taken_away_with_who_and_why()
    {
        var tenant = await plane.NewTenantAsync();
        Assert.Equal("{}", (await tenant.Admin.GetAsync("/caps")).Expect(200).Text);
        var ada = await tenant.WithRoleAsync("operator", subject: "ada");

        (await ada.PutAsync("/caps", new { max_concurrent_rollouts = 2, reason = "we are few" })).Expect(200);
        var first = (await ada.PutAsync("/caps", new { max_nodes_per_failure_domain = 5, reason = "racks" }, ("Idempotency-Key", "caps-1"))).Expect(200);
        var again = (await ada.PutAsync("/caps", new { max_nodes_per_failure_domain = 5, reason = "racks" }, ("Idempotency-Key", "caps-1"))).Expect(200);

        Assert.Equal(first["set_at"].GetString(), again["set_at"].GetString());
        var told = (await ada.GetAsync("/caps")).Expect(200);
        Assert.Equal((5, "ada", "racks"), (told["max_nodes_per_failure_domain"].GetInt32(), told["set_by"].GetString(), told["reason"].GetString()));
        Assert.DoesNotContain("max_concurrent_rollouts", told.Text, StringComparison.Ordinal);
        (await ada.DeleteAsync("/caps?reason=over")).Expect(200);
        (await ada.DeleteAsync("/caps?reason=over")).ExpectProblem(404, "caps.unknown");
        var history = (await ada.GetAsync("/audit?subject=caps&newest=true")).Expect(200)["entries"].EnumerateArray().ToList();
        Assert.Equal(["caps.removed", "caps.set", "caps.set"], history.Select(entry => entry.GetProperty("action").GetString()));
        var detail = history[1].GetProperty("detail");
        Assert.Equal(
            ("2 -> none", "none -> 5", "racks"),
            (detail.GetProperty("max_concurrent_rollouts").GetString(), detail.GetProperty("max_nodes_per_failure_domain").GetString(), history[1].GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task What_is_wrong_with_caps_is_told_with_its_codes()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PutAsync("/caps", new { max_concurrent_rollouts = 1 })).ExpectProblem(400, "reason.missing");
        (await tenant.Admin.PutAsync("/caps", new { reason = "r" })).ExpectProblem(400, "caps.invalid");
        Assert.Equal(
            ["caps.invalid", "caps.invalid"],
            (await tenant.Admin.PutAsync("/caps", new { max_concurrent_rollouts = 0, max_nodes_per_failure_domain = -1, reason = "r" })).Expect(400).ErrorCodes);
        (await tenant.Admin.PutAsync("/caps", new { max_concurrent_rollouts = "many", reason = "r" })).Expect(400);
        (await tenant.Admin.DeleteAsync("/caps")).ExpectProblem(400, "reason.missing");
    }

    private static async Task FleetOnBaselineAsync(TestTenant tenant, string fleet)
    {
        await tenant.FleetAsync(fleet, 40);
        (await tenant.Admin.PutAsync($"/fleets/{fleet}/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
    }

    private static async Task<List<string?>> WarningsAsync(TestTenant tenant) =>
        [.. (await tenant.Admin.PostAsync("/rollouts/validate", new { rollout_wedge = TestPlans.Sound() })).Expect(200)["warnings"].EnumerateArray()
            .Select(warning => warning.GetProperty("code").GetString())];

    private static object Start(string fleet) => new { fleet, @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "better" };
}
