using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>The shadow stage with real agents over HTTP.</summary>
[Collection(OneControlPlane.Name)]
public sealed class ShadowAgentTests(ControlPlane plane) : IAsyncDisposable
{
    private const int Count = 20;
    private const double Patience = 60;

    private readonly TestBundles _bundles = new();
    private readonly PolicyTransport _transport = new();
    private readonly List<PolicyNode> _agents = [];

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_agents.Select(agent => agent.DisposeAsync().AsTask()));
        _transport.Dispose();
        _bundles.Dispose();
    }

    [Fact]
    public async Task Agents_evaluate_what_they_are_shown_answer_by_what_is_in_force_and_forget_it_when_it_is_withdrawn()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles, Count, new { report_interval_sec = 0.5 });
        await StartAgentsAsync(tenant);
        var plan = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        plan["shadow"] = true;
        var started = (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "r" })).Expect(201);
        var path = $"/rollouts/{started["rollout_id"].GetString()}";
        await Eventually.BecomesAsync(() => Task.FromResult(_agents.Count(agent => agent.Status.Shadow?.PolicyHash == next)), Count, Patience);

        var nothing = JsonElement.Parse("{}"u8);
        Assert.All(_agents, agent => Assert.Equal((false, baseline), (agent.Decide("orders.write", nothing).Allowed, agent.Decide("orders.read", nothing).PolicyHash)));

        await Eventually.BecomesAsync(
            async () => (await tenant.Admin.GetAsync(path)).Expect(200).Json is var body && body.TryGetProperty("shadow", out var shadow)
                ? (shadow.GetProperty("compared").GetDouble(), shadow.GetProperty("changed").GetDouble())
                : default,
            (2d * Count, (double)Count),
            Patience);
        var found = (await tenant.Admin.GetAsync(path)).Expect(200)["shadow"].GetProperty("changes").EnumerateArray()
            .Select(change => (change.GetProperty("kind").GetString(), change.GetProperty("to_rule").GetString(), change.GetProperty("count").GetInt32()));
        Assert.Equal([("deny_to_allow", "orders.write", Count), ("answer_only", "orders.read", Count)], found);

        var back = (await tenant.Admin.PostAsync(path + "/rollback", new { reason = "seen enough" })).Expect(200);
        Assert.Equal("ROLLED_BACK", back["state"].GetString());
        await Eventually.BecomesAsync(() => Task.FromResult(_agents.Count(agent => agent.Status is { Shadow: null, Refusal: null } now && now.PolicyHash == baseline)), Count, Patience);
    }

    private async Task StartAgentsAsync(TestTenant tenant)
    {
        for (var index = 0; index < Count; index++)
        {
            var node = $"n{index:000}";
            var key = (await tenant.Admin.PostAsync("/keys", new { name = node, subject = node, role = "node", fleet = "edge", node })).Expect(201)["key"].GetString()!;
            _agents.Add(await PolicyNode.StartAsync(new PolicyNodeOptions
            {
                Servers = [plane.Address],
                ApiKey = key,
                Tenant = tenant.Name,
                Fleet = "edge",
                Node = node,
                TrustRoot = JsonSerializer.Deserialize<TrustRoot>(_bundles.RootJson, PolicyJson.Options),
                Transport = _transport,
            }));
        }

        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(Patience));
        await Task.WhenAll(_agents.Select(agent => agent.WaitUntilServingAsync(deadline.Token)));
    }
}
