using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Silo.Tests.Faults;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Real agents that join a parity group in the middle of a rollout whose caps have room for one of them.</summary>
[Collection(OneControlPlane.Name)]
public sealed class JoiningAgentTests(ControlPlane plane) : IAsyncDisposable
{
    private static readonly JsonElement Nothing = JsonElement.Parse("{}"u8);

    private readonly TestBundles _bundles = new();
    private readonly PolicyTransport _transport = new();
    private readonly TemporaryFolder _folder = new();
    private TestTenant _tenant = null!;
    private string _group = "";
    private PolicyNode[] _agents = [];

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_agents.Select(agent => agent.DisposeAsync().AsTask()));
        _transport.Dispose();
        _bundles.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Who_would_break_a_cap_denies_until_there_is_room_and_goes_back_with_its_group()
    {
        _tenant = await plane.NewTenantAsync();
        var (baseline, next) = await _tenant.RunningFleetAsync("edge", _bundles, nodes: 0, settings: new { report_interval_sec = 0.5 });
        var rollout = await RollOutToOnePairAsync(maxNodes: 3);
        await using var watch = new ParityWatch(() => _agents);
        await StartAsync("brain");
        await StartAsync("execution");
        await ServesAsync("brain", next);
        await ServesAsync("execution", next);

        await StartAsync("third");
        await ServesAsync("third", next);
        await StartAsync("fourth");
        await WaitsAsync("fourth");

        // What others see of it.
        await Eventually.BecomesAsync(async () => (await DecideAsync("fourth")).Json.GetProperty("code").GetString(), "decide.parity");
        await Eventually.BecomesAsync(async () => (await DecideAsync("third")).Status, 200);
        Assert.True((await _tenant.Admin.GetAsync($"/fleets/edge/nodes/{_group}-fourth")).Expect(200)["over_cap"].GetBoolean());
        await Eventually.BecomesAsync(
            async () =>
            {
                var nodes = (await _tenant.Admin.GetAsync($"/rollouts/{rollout}")).Expect(200)["nodes"];
                return (nodes.GetProperty("assigned").GetInt32(), nodes.GetProperty("acked").GetInt32());
            },
            (3, 3));
        (await _tenant.Admin.PostAsync("/fleets/edge/handshake", new { node = $"{_group}-fourth", policy_hash = next })).ExpectProblem(503, "parity.no_answer");
        await Eventually.BecomesAsync(async () => (await _tenant.Admin.PostAsync("/fleets/edge/handshake", new { node = $"{_group}-brain", policy_hash = next })).Status, 200);

        // A new life of its process changes nothing; a place that becomes free is the next one's, and who left it joins anew.
        await StopAsync("fourth");
        await StartAsync("fourth");
        await WaitsAsync("fourth");
        await StopAsync("third");
        (await _tenant.Admin.DeleteAsync($"/fleets/edge/nodes/{_group}-third")).Expect(200);
        await ServesAsync("fourth", next);
        await StartAsync("third");
        await WaitsAsync("third");

        (await _tenant.Admin.PostAsync($"/rollouts/{rollout}/rollback", new { reason = "seen enough" })).Expect(200);
        foreach (var role in (string[])["brain", "execution", "third", "fourth"])
        {
            await ServesAsync(role, baseline);
        }

        await watch.NobodyDifferedAsync(_ => _group);
    }

    // Which of the pairs is in the stage, its salt decides.
    private async Task<string> RollOutToOnePairAsync(int maxNodes)
    {
        var pairs = Enumerable.Range(0, 4).SelectMany(i => (string[])[$"pair{i}-brain", $"pair{i}-execution"])
            .Select(node => new { node, parity_group = node.Split('-')[0], role = node.Split('-')[1] }).ToList();
        (await _tenant.Admin.PostAsync("/fleets/edge/nodes:batch", pairs)).Expect(200);
        var plan = TestPlans.Sound(plan =>
        {
            plan["wedge_stages"] = new[] { Stage("quarter", 25), Stage("all", 100) };
            plan["initial_percentage"] = 25;
            plan["caps"] = new { max_nodes = maxNodes };

            // However long the agents take to come up, that is no answer of theirs.
            plan["nack_budget"] = 100;
        });
        var started = (await _tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "new rules" })).Expect(201);
        var target = started["target"].GetString();
        foreach (var pair in pairs)
        {
            var directive = (await _tenant.Admin.PutAsync($"/fleets/edge/nodes/{pair.node}", new { pair.parity_group, pair.role })).Expect(200)["directive"];
            _group = directive.GetProperty("policy_hash").GetString() == target ? pair.parity_group : _group;
        }

        return started["rollout_id"].GetString()!;
    }

    private async Task StartAsync(string role)
    {
        var node = $"{_group}-{role}";
        var key = (await _tenant.Admin.PostAsync("/keys", new { name = node, subject = node, role = "node", fleet = "edge", node })).Expect(201)["key"].GetString()!;
        var agent = await PolicyNode.StartAsync(new PolicyNodeOptions
        {
            Servers = [plane.Address],
            ApiKey = key,
            Tenant = _tenant.Name,
            Fleet = "edge",
            Node = node,
            ParityGroup = _group,
            Role = role,
            StateFolder = _folder[node],
            TrustRoot = JsonSerializer.Deserialize<TrustRoot>(_bundles.RootJson, PolicyJson.Options),
            Transport = _transport,
        });
        _agents = [.. _agents, agent];
    }

    private async Task StopAsync(string role)
    {
        var agent = Find(role);
        _agents = [.. _agents.Where(other => other != agent)];
        await agent.DisposeAsync();
    }

    private Task ServesAsync(string role, string hash) =>
        Eventually.BecomesAsync(() => Task.FromResult(Find(role).Decide("orders.read", Nothing) is { Decision.Allowed: true, PolicyHash: var served } ? served : Find(role).Status.Refusal), hash, 90);

    private Task WaitsAsync(string role) =>
        Eventually.BecomesAsync(() => Task.FromResult((Find(role).Status.Group?.OverCap, Find(role).Decide("orders.read", Nothing).Decision.Reason)), (true, "decide.parity"), 90);

    private Task<ApiAnswer> DecideAsync(string role) => _tenant.Admin.PostAsync($"/fleets/edge/nodes/{_group}-{role}/decide", new { capability_id = "orders.read" });

    private PolicyNode Find(string role) => _agents.Single(agent => agent.Name == $"{_group}-{role}");

    private static object Stage(string id, int percentage) => new
    {
        stage_id = id,
        target_percentage = percentage,
        duration_hours = 1,
        success_criteria = new[] { "error_rate < 1%" },
        rollback_trigger = "error_rate > 5%",
    };
}
