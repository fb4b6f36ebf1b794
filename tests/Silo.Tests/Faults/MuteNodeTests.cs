using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>One node of twenty never answers again from the moment at which the fleet is taken back.</summary>
public sealed class MuteNodeTests : IAsyncLifetime
{
    private const int Speaking = 19;
    private FailingPlane _plane = null!;
    private RolloutStory _story = null!;

    public async ValueTask InitializeAsync()
    {
        _plane = await FailingPlane.StartAsync(hourSeconds: 3);
        _story = new RolloutStory(_plane.Address, _plane.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        _story.Dispose();
        await _plane.DisposeAsync();
    }

    [Fact]
    public async Task The_way_back_is_over_when_the_mute_one_has_stopped_serving_and_it_is_named()
    {
        var cable = new Cable();
        await _story.PrepareAsync(leaseSec: 10);
        await using var speaking = await _story.AgentsAsync(Speaking, "n");
        await using var mute = await _story.AgentsAsync(1, "mute", cable.Transport);
        var rollout = await _story.RollOutAsync();
        await Eventually.BecomesAsync(async () => (await _story.Admin.GetAsync($"/v1/default/rollouts/{rollout}")).Expect(200)["state"].GetString(), "COMPLETE", seconds: 60);

        cable.Cut();
        var back = await _story.Admin.PostAsync("/v1/default/fleets/edge/rollback", new { reason = "now" });

        var id = back.Expect(202)["rollout_id"].GetString();
        var over = back;
        await Eventually.BecomesAsync(
            async () => (over = (await _story.Admin.GetAsync($"/v1/default/rollouts/{id}")).Expect(200))["rollback"].TryGetProperty("over_at", out _), true, seconds: 60);

        // It stopped by itself, before the control plane says that it must have.
        Assert.Equal("decide.stale", mute.Nodes[0].Status.Refusal);
        var told = over["rollback"];
        Assert.Equal(["mute000"], told.GetProperty("nodes").GetProperty("fenced_nodes").EnumerateArray().Select(node => node.GetString()));
        Assert.Equal((Speaking + 1, Speaking, 1), (Count("nodes"), Count("acked"), Count("fenced")));
        Assert.False(told.GetProperty("overdue").GetBoolean());
        Assert.InRange(told.GetProperty("over_ms").GetDouble(), 10_000, 60_000);
        Assert.All(speaking.Nodes, node => Assert.Equal("1.0.0", node.Status.Version));
        Assert.Empty(speaking.Denials);

        cable.Mend();
        await mute.AllAsync(serve: true, within: TimeSpan.FromSeconds(60));
        Assert.Equal("1.0.0", mute.Nodes[0].Status.Version);

        int Count(string name) => told.GetProperty("nodes").GetProperty(name).GetInt32();
    }
}
