using System.Text.Json;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>A tenant of one test, with what most of them need.</summary>
public sealed class TestTenant(ControlPlane plane, string name)
{
    public string Name => name;

    /// <summary>Everything under the tenant's path, with the admin key of the installation.</summary>
    public TenantClient Admin => new(plane.Admin, name);

    /// <summary>A client with a new key.</summary>
    public async Task<TenantClient> WithRoleAsync(string role, string? fleet = null, string? node = null, string? subject = null)
    {
        var made = await Admin.PostAsync("/keys", new { name = role, subject = subject ?? role, role, fleet, node });
        return new TenantClient(new ApiClient(plane.Address, made.Expect(201)["key"].GetString()), name) { KeyId = made["id"].GetString()! };
    }

    /// <summary>The trust root of <see cref="TestBundles"/>.</summary>
    public async Task TrustAsync(TestBundles bundles) => (await Admin.PutAsync("/trust", bundles.RootJson)).Expect(200);

    /// <summary>Publishes a bundle; its hash.</summary>
    public async Task<string> PublishAsync(TestBundles bundles, string version) =>
        (await Admin.PostAsync("/bundles", bundles.Make(version))).Expect(201)["policy_hash"].GetString()!;

    /// <summary>A fleet whose nodes <c>n000</c>, <c>n001</c>, … are registered by a relay.</summary>
    public async Task FleetAsync(string fleet, int nodes = 0, object? settings = null)
    {
        (await Admin.PutAsync($"/fleets/{fleet}", settings ?? new { })).Expect(200);
        if (nodes > 0)
        {
            (await Admin.PostAsync($"/fleets/{fleet}/nodes:batch", Enumerable.Range(0, nodes).Select(index => new { node = $"n{index:000}" }))).Expect(200);
        }
    }

    /// <summary>A fleet with a baseline, and a second bundle to roll out. The hashes of both.</summary>
    public async Task<(string Baseline, string Next)> RunningFleetAsync(string fleet, TestBundles bundles, int nodes = 40, object? settings = null)
    {
        await TrustAsync(bundles);
        await FleetAsync(fleet, nodes, settings);
        var baseline = await PublishAsync(bundles, "1.0.0");
        (await Admin.PutAsync($"/fleets/{fleet}/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        return (baseline, await PublishAsync(bundles, "2.0.0"));
    }
}

/// <summary>A client whose paths are below a tenant.</summary>
public sealed class TenantClient(ApiClient api, string tenant)
{
    public string KeyId { get; init; } = "";

    public ApiClient Api => api;

    public Task<ApiAnswer> GetAsync(string path, params (string Name, string Value)[] headers) => api.GetAsync(Path(path), headers);

    public Task<ApiAnswer> DeleteAsync(string path) => api.DeleteAsync(Path(path));

    public Task<ApiAnswer> PutAsync(string path, object? body, params (string Name, string Value)[] headers) => api.PutAsync(Path(path), body, headers);

    public Task<ApiAnswer> PostAsync(string path, object? body, params (string Name, string Value)[] headers) => api.PostAsync(Path(path), body, headers);

    public Task<HttpResponseMessage> OpenAsync(string path, params (string Name, string Value)[] headers) => api.OpenAsync(Path(path), headers);

    private string Path(string path) => $"/v1/{tenant}{path}";
}

/// <summary>Plans for rollouts.</summary>
public static class TestPlans
{
    /// <summary>A plan that is right in every way; a change may break it.</summary>
    public static JsonElement Sound(Action<Dictionary<string, object?>>? change = null)
    {
        var plan = new Dictionary<string, object?>
        {
            ["wedge_stages"] = new[] { Stage("canary", 5), Stage("fifth", 20), Stage("half", 50), Stage("all", 100) },
            ["initial_percentage"] = 5,
            ["increment_policy"] = "manual",
            ["max_blast_radius"] = 100,
            ["observation_window_hours"] = 1,
            ["wedge_state"] = "PENDING",
        };
        change?.Invoke(plan);
        return JsonSerializer.SerializeToElement(plan);
    }

    private static object Stage(string id, int percentage) => new
    {
        stage_id = id,
        target_percentage = percentage,
        duration_hours = 1,
        success_criteria = new[] { "error_rate < 1%" },
        rollback_trigger = "error_rate > 5%",
    };
}
