using System.Collections.Immutable;
using OrleansPolicy.Client;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>A rollout that something happens to.</summary>
internal sealed class RolloutStory(Uri address, string adminKey, ImmutableArray<Uri> others = default) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public ApiClient Admin { get; } = new(address, adminKey);

    private TenantClient Tenant => new(Admin, "default");

    public void Dispose()
    {
        Admin.Dispose();
        _bundles.Dispose();
    }

    /// <summary>Agents under a rollout that is in the first of two stages.</summary>
    public async Task<(WatchedAgents Agents, string Rollout)> RollingOutAsync(int count, int leaseSec = 10)
    {
        await PrepareAsync(leaseSec);
        var agents = await AgentsAsync(count, "n");
        try
        {
            return (agents, await RollOutAsync());
        }
        catch
        {
            await agents.DisposeAsync();
            throw;
        }
    }

    /// <summary>A fleet that runs version 1, and version 2 to roll out.</summary>
    public async Task PrepareAsync(int leaseSec)
    {
        (await Tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await Tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await Tenant.PutAsync("/fleets/edge", new { max_staleness_sec = leaseSec, report_interval_sec = 1 })).Expect(200);
        (await Tenant.PostAsync("/bundles", _bundles.Make("1.0.0"))).Expect(201);
        (await Tenant.PostAsync("/bundles", _bundles.Make("2.0.0"))).Expect(201);
        (await Tenant.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
    }

    /// <summary>Starts to bring version 2 to a quarter of the fleet, then to all of it.</summary>
    public async Task<string> RollOutAsync()
    {
        var plan = TestPlans.Sound(plan =>
        {
            plan["wedge_stages"] = new[] { Stage("quarter", 25), Stage("all", 100) };
            plan["initial_percentage"] = 25;
            plan["increment_policy"] = "linear";
        });
        var started = await Tenant.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "new rules" });
        return started.Expect(201)["rollout_id"].GetString()!;
    }

    /// <summary>Agents of the fleet.</summary>
    public Task<WatchedAgents> AgentsAsync(int count, string prefix, PolicyTransport? transport = null) =>
        WatchedAgents.StartAsync(address, adminKey, _bundles, "edge", count, prefix, transport, others);

    /// <summary>The rollout completes by itself, nobody doing anything but look; no stage was skipped, and the chain is whole.</summary>
    public async Task GoesOnAsync(WatchedAgents agents, string rollout)
    {
        await Eventually.BecomesAsync(async () => (await Admin.GetAsync("/readyz")).Status, 200);
        await Eventually.BecomesAsync(() => StateAsync(rollout), "COMPLETE", seconds: 120);
        Assert.All(agents.Nodes, node => Assert.Equal("2.0.0", node.Status.Version));
        Assert.True((await Admin.GetAsync("/v1/default/audit/verify")).Expect(200)["valid"].GetBoolean());
        var events = (await Admin.GetAsync($"/v1/default/rollouts/{rollout}/events")).Expect(200)["events"];
        Assert.Equal(["RWG-001", "RWG-004"], events.EnumerateArray().Select(one => one.GetProperty("code").GetString()));
    }

    // Where it neither goes on nor is complete: why.
    private async Task<string> StateAsync(string rollout)
    {
        var seen = await Admin.GetAsync($"/v1/default/rollouts/{rollout}/why");
        return seen is { Status: 200 } && seen["state"].GetString() is "ACTIVE" or "COMPLETE"
            ? seen["state"].GetString()!
            : seen.ToString();
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
