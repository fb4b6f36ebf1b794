using System.Diagnostics;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>PostgreSQL or the whole control plane away, for less and for more than a lease of ten seconds, in the middle of a rollout.</summary>
public sealed class StopTests : IAsyncLifetime
{
    private const int Agents = 8;

    // The shipped lease where nobody may deny: however slow the machine is, what is away here is away for less.
    private const int LongLeaseSec = 45;
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5.5);

    // Lease + 3 s is the design's bound for a node that hears nothing, 2 s that for its return. Both are measured by the benchmark
    // outage-long; here a busy machine has room.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan ServesWithin = TimeSpan.FromSeconds(30);

    private FailingPlane _plane = null!;
    private RolloutStory _story = null!;

    private ApiClient Admin => _story.Admin;

    public async ValueTask InitializeAsync()
    {
        // A window of 8 s: three of them, after which a rollout without success pauses, are longer than what a short stop takes away.
        _plane = await FailingPlane.StartAsync(hourSeconds: 8);
        _story = new RolloutStory(_plane.Address, _plane.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        _story.Dispose();
        await _plane.DisposeAsync();
    }

    [Fact]
    public async Task A_short_stop_of_the_database_makes_nobody_deny_and_loses_nothing()
    {
        var (agents, rollout) = await _story.RollingOutAsync(Agents, LongLeaseSec);
        await using var _ = agents;
        var began = Stopwatch.GetTimestamp();

        await _plane.StopDatabaseAsync();
        foreach (var (path, code) in new[] { ("/v1/default/fleets/other", "store.unavailable"), ("/v1/default/fleets/edge/nodes/n999", "store.unavailable") })
        {
            (await Admin.PutAsync(path, new { }, Id(path))).ExpectProblem(503, code);
        }

        (await Admin.PostAsync($"/v1/default/rollouts/{rollout}/pause", new { reason = "try" }, Id("pause"))).Expect(503);
        await PassAsync(began, Short);
        await _plane.StartDatabaseAsync();

        await _story.GoesOnAsync(agents, rollout);
        Assert.Empty(agents.Denials);

        // What could not be done is repeated as it was, and done once.
        (await Admin.PutAsync("/v1/default/fleets/other", new { }, Id("/v1/default/fleets/other"))).Expect(200);
    }

    [Fact]
    public async Task A_short_stop_of_the_control_plane_makes_nobody_deny_and_loses_nothing()
    {
        var (agents, rollout) = await _story.RollingOutAsync(Agents, LongLeaseSec);
        await using var _ = agents;
        var began = Stopwatch.GetTimestamp();

        await _plane.StopProcessAsync();
        await PassAsync(began, TimeSpan.FromSeconds(4));
        await _plane.StartProcessAsync();

        await _story.GoesOnAsync(agents, rollout);
        Assert.Empty(agents.Denials);
    }

    [Fact]
    public async Task A_long_stop_of_the_database_makes_everybody_deny_and_its_return_everybody_serve()
    {
        var (agents, rollout) = await _story.RollingOutAsync(Agents);
        await using var _ = agents;

        await _plane.StopDatabaseAsync();
        await agents.AllAsync(serve: false, within: Bound);
        await _plane.StartDatabaseAsync();

        await agents.AllAsync(serve: true, within: ServesWithin);
        Assert.All(agents.Denials, denial => Assert.EndsWith(": decide.stale", denial, StringComparison.Ordinal));
        await _story.GoesOnAsync(agents, rollout);
    }

    [Fact]
    public async Task A_long_stop_of_the_control_plane_makes_everybody_deny_and_its_return_everybody_serve()
    {
        var (agents, rollout) = await _story.RollingOutAsync(Agents);
        await using var _ = agents;

        await _plane.StopProcessAsync();
        await agents.AllAsync(serve: false, within: Bound);
        await _plane.StartProcessAsync();

        await agents.AllAsync(serve: true, within: ServesWithin);
        Assert.All(agents.Denials, denial => Assert.EndsWith(": decide.stale", denial, StringComparison.Ordinal));
        await _story.GoesOnAsync(agents, rollout);
    }

    private static (string Name, string Value) Id(string id) => ("Idempotency-Key", id);

    // An outage takes its time; this is that time, not a wait for something.
    private static async Task PassAsync(long began, TimeSpan time)
    {
        var rest = time - Stopwatch.GetElapsedTime(began);
        await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero);
    }
}
