using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>Real agents in pairs while everything around them fails: no pair ever answers under two hashes.</summary>
public sealed class ParityFaultTests : IAsyncLifetime
{
    private const int Pairs = 6;
    private const int LeaseSec = 10;
    private readonly TemporaryFolder _folder = new();
    private readonly TestBundles _bundles = new();
    private readonly Cable _cable = new();
    private readonly PolicyTransport _transport = new();
    private FailingPlane _plane = null!;
    private TenantClient _tenant = null!;
    private ApiClient _admin = null!;
    private PolicyNode[] _agents = [];

    public async ValueTask InitializeAsync()
    {
        _plane = await FailingPlane.StartAsync(hourSeconds: 2);
        _admin = new ApiClient(_plane.Address, _plane.AdminKey);
        _tenant = new TenantClient(_admin, "default");
        (await _tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await _tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await _tenant.PutAsync("/fleets/edge", new { max_staleness_sec = LeaseSec, report_interval_sec = 1 })).Expect(200);
        (await _tenant.PostAsync("/bundles", _bundles.Make("1.0.0"))).Expect(201);
        (await _tenant.PostAsync("/bundles", _bundles.Make("2.0.0"))).Expect(201);
        (await _tenant.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        _agents = await Task.WhenAll(Enumerable.Range(0, 2 * Pairs).Select(StartAgentAsync));
        await AllServeAsync("1.0.0");
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_agents.Select(agent => agent.DisposeAsync().AsTask()));
        _admin.Dispose();
        await _plane.DisposeAsync();
        _transport.Dispose();
        _cable.Transport.Dispose();
        _bundles.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task No_pair_answers_under_two_hashes_whatever_fails()
    {
        await using var watch = new ParityWatch(() => _agents);

        // Forward in two stages, with nothing wrong.
        await RollOutAsync();
        await AllServeAsync("2.0.0");

        // A member's process ends and comes back while its group goes back.
        await GoToAsync("1.0.0");
        await RestartAgentAsync(0);
        await AllServeAsync("1.0.0");

        // The control plane goes away between two phases, at a moment that is another one at each run.
        await GoToAsync("2.0.0");
        await _plane.StopProcessAsync();
        await RestartAgentAsync(3);
        await _plane.StartProcessAsync();
        await AllServeAsync("2.0.0");

        // One member hears nothing more: the others go on once it is fenced, and it comes back to what they run.
        _cable.Cut();
        await GoToAsync("1.0.0");
        await AllServeAsync("1.0.0", agent => agent != Cut);
        Assert.Equal("decide.stale", Cut.Status.Refusal);
        _cable.Mend();
        await AllServeAsync("1.0.0");

        // The database stands still for a while in the middle.
        await GoToAsync("2.0.0");
        await _plane.StopDatabaseAsync();
        await Task.Delay(TimeSpan.FromSeconds(2));
        await _plane.StartDatabaseAsync();
        await AllServeAsync("2.0.0");

        await watch.NobodyDifferedAsync(GroupOf);
        Assert.True(watch.Decisions > 10_000, $"{watch.Decisions} decisions");

        // A control plane says for a moment longer than the database is away that it is.
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/v1/default/audit/verify")).Status, 200);
        Assert.True((await _admin.GetAsync("/v1/default/audit/verify")).Expect(200)["valid"].GetBoolean());
    }

    // The one whose cable can be cut.
    private PolicyNode Cut => _agents[^1];

    private static string GroupOf(string node) => node[..node.IndexOf('-', StringComparison.Ordinal)];

    private async Task<PolicyNode> StartAgentAsync(int index) => await PolicyNode.StartAsync(new PolicyNodeOptions
    {
        Server = _plane.Address,
        ApiKey = _plane.AdminKey,
        Fleet = "edge",
        Node = index % 2 == 0 ? $"pair{index / 2}-brain" : $"pair{index / 2}-execution",
        ParityGroup = $"pair{index / 2}",
        Role = index % 2 == 0 ? "brain" : "execution",
        TrustRoot = JsonSerializer.Deserialize<TrustRoot>(_bundles.RootJson, PolicyJson.Options),
        StateFolder = Path.Combine(_folder.Path, $"agent-{index}"),
        Transport = index == (2 * Pairs) - 1 ? _cable.Transport : _transport,
    });

    private async Task RestartAgentAsync(int index)
    {
        var old = _agents[index];
        await old.DisposeAsync();
        var agents = _agents.ToArray();
        agents[index] = await StartAgentAsync(index);
        _agents = agents;
    }

    private async Task RollOutAsync()
    {
        var plan = TestPlans.Sound(plan =>
        {
            plan["wedge_stages"] = new[] { Stage("quarter", 25), Stage("all", 100) };
            plan["initial_percentage"] = 25;
            plan["increment_policy"] = "linear";
        });
        var started = await _tenant.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "new rules" });
        var id = started.Expect(201)["rollout_id"].GetString();
        await Eventually.BecomesAsync(async () => (await _tenant.GetAsync($"/rollouts/{id}")).Expect(200)["state"].GetString(), "COMPLETE", seconds: 90);
    }

    private async Task GoToAsync(string version)
    {
        foreach (var held in (await _tenant.GetAsync("/fleets/edge/quarantine")).Expect(200)["quarantine"].EnumerateArray().ToList())
        {
            (await _tenant.PostAsync($"/fleets/edge/quarantine/{held.GetProperty("policy_hash").GetString()}/release", new { reason = "again" })).Expect(200);
        }

        (await _tenant.PostAsync("/fleets/edge/rollback", new { @ref = version, reason = "now" })).Expect(202);
    }

    private async Task AllServeAsync(string version, Func<PolicyNode, bool>? which = null)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!_agents.Where(which ?? (_ => true)).All(agent => agent.Status is { Refusal: null } now && now.Version == version))
        {
            Assert.False(
                deadline.IsCancellationRequested,
                string.Join("; ", _agents.Select(agent => $"{agent.Name} {agent.Status.Version} {agent.Status.Refusal} {agent.Status.Group}")));
            await Task.Delay(20);
        }
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
