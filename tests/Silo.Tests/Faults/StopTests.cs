using System.Diagnostics;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>PostgreSQL or the whole control plane away, for less and for more than a lease of ten seconds, in the middle of a rollout.</summary>
public sealed class StopTests : IAsyncLifetime
{
    private const int Agents = 8;
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5.5);

    // Lease + 3 s: the design's bound for a node that hears nothing.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(13);
    private static readonly TimeSpan ServesWithin = TimeSpan.FromSeconds(2);

    private readonly TestBundles _bundles = new();
    private FailingPlane _plane = null!;
    private ApiClient _admin = null!;

    public async ValueTask InitializeAsync()
    {
        // A window of 5 s: three of them, after which a rollout without success pauses, are longer than what a short stop takes away.
        _plane = await FailingPlane.StartAsync(hourSeconds: 5);
        _admin = new ApiClient(_plane.Address, _plane.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _plane.DisposeAsync();
        _bundles.Dispose();
    }

    [Fact]
    public async Task A_short_stop_of_the_database_makes_nobody_deny_and_loses_nothing()
    {
        var (agents, rollout) = await RollingOutAsync();
        await using var _ = agents;
        var began = Stopwatch.GetTimestamp();

        await _plane.StopDatabaseAsync();
        foreach (var (path, code) in new[] { ("/v1/default/fleets/other", "store.unavailable"), ("/v1/default/fleets/edge/nodes/n999", "store.unavailable") })
        {
            (await _admin.PutAsync(path, new { }, Id(path))).ExpectProblem(503, code);
        }

        (await _admin.PostAsync($"/v1/default/rollouts/{rollout}/pause", new { reason = "try" }, Id("pause"))).Expect(503);
        await PassAsync(began, Short);
        await _plane.StartDatabaseAsync();

        await GoesOnAsync(agents, rollout);
        Assert.Empty(agents.Denials);

        // What could not be done is repeated as it was, and done once.
        (await _admin.PutAsync("/v1/default/fleets/other", new { }, Id("/v1/default/fleets/other"))).Expect(200);
    }

    [Fact]
    public async Task A_short_stop_of_the_control_plane_makes_nobody_deny_and_loses_nothing()
    {
        var (agents, rollout) = await RollingOutAsync();
        await using var _ = agents;
        var began = Stopwatch.GetTimestamp();

        await _plane.StopProcessAsync();
        await PassAsync(began, TimeSpan.FromSeconds(4));
        await _plane.StartProcessAsync();

        await GoesOnAsync(agents, rollout);
        Assert.Empty(agents.Denials);
    }

    [Fact]
    public async Task A_long_stop_of_the_database_makes_everybody_deny_and_its_return_everybody_serve()
    {
        var (agents, rollout) = await RollingOutAsync();
        await using var _ = agents;

        await _plane.StopDatabaseAsync();
        await agents.AllAsync(serve: false, within: Bound);
        await _plane.StartDatabaseAsync();

        await agents.AllAsync(serve: true, within: ServesWithin);
        Assert.All(agents.Denials, denial => Assert.EndsWith(": decide.stale", denial, StringComparison.Ordinal));
        await GoesOnAsync(agents, rollout);
    }

    [Fact]
    public async Task A_long_stop_of_the_control_plane_makes_everybody_deny_and_its_return_everybody_serve()
    {
        var (agents, rollout) = await RollingOutAsync();
        await using var _ = agents;

        await _plane.StopProcessAsync();
        await agents.AllAsync(serve: false, within: Bound);
        await _plane.StartProcessAsync();

        await agents.AllAsync(serve: true, within: ServesWithin);
        Assert.All(agents.Denials, denial => Assert.EndsWith(": decide.stale", denial, StringComparison.Ordinal));
        await GoesOnAsync(agents, rollout);
    }

    private static (string Name, string Value) Id(string id) => ("Idempotency-Key", id);

    // An outage takes its time; this is that time, not a wait for something.
    private static async Task PassAsync(long began, TimeSpan time)
    {
        var rest = time - Stopwatch.GetElapsedTime(began);
        await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero);
    }

    // A rollout is in its first stage, whose window lasts longer than the stop.
    private async Task<(WatchedAgents Agents, string Rollout)> RollingOutAsync()
    {
        var tenant = new TenantClient(_admin, "default");
        (await tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await tenant.PutAsync("/fleets/edge", new { max_staleness_sec = 10, report_interval_sec = 1 })).Expect(200);
        (await tenant.PostAsync("/bundles", _bundles.Make("1.0.0"))).Expect(201);
        (await tenant.PostAsync("/bundles", _bundles.Make("2.0.0"))).Expect(201);
        (await tenant.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        var agents = await WatchedAgents.StartAsync(_plane, _bundles, "edge", Agents);
        try
        {
            var plan = TestPlans.Sound(plan =>
            {
                plan["wedge_stages"] = new[] { Stage("quarter", 25), Stage("all", 100) };
                plan["initial_percentage"] = 25;
                plan["increment_policy"] = "linear";
            });
            var started = await tenant.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "new rules" });
            return (agents, started.Expect(201)["rollout_id"].GetString()!);
        }
        catch
        {
            await agents.DisposeAsync();
            throw;
        }
    }

    // By itself: nobody does anything but look.
    private async Task GoesOnAsync(WatchedAgents agents, string rollout)
    {
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz")).Status, 200, seconds: 10);
        await Eventually.BecomesAsync(() => StateAsync(rollout), "COMPLETE", seconds: 40);
        Assert.All(agents.Nodes, node => Assert.Equal("2.0.0", node.Status.Version));
        Assert.True((await _admin.GetAsync("/v1/default/audit/verify")).Expect(200)["valid"].GetBoolean());
        var events = (await _admin.GetAsync($"/v1/default/rollouts/{rollout}/events")).Expect(200)["events"];
        Assert.Equal(["RWG-001", "RWG-004"], events.EnumerateArray().Select(one => one.GetProperty("code").GetString()));
    }

    // Where it neither goes on nor is complete: why.
    private async Task<string> StateAsync(string rollout)
    {
        var seen = await _admin.GetAsync($"/v1/default/rollouts/{rollout}/why");
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
