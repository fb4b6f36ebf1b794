using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>Several fleets that run version 1.0.0, version 2.0.0 published beside it, and a wave over them.</summary>
public sealed class Regions
{
    public const string WaveId = "w1";
    private const int Nodes = 8;

    /// <summary>Two stages that go on by themselves: a quarter, then all. However slow the machine is, three windows do not pass unseen.</summary>
    public const string Plan = """
        {
          "wedge_stages": [
            {"stage_id": "quarter", "target_percentage": 25, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"},
            {"stage_id": "all", "target_percentage": 100, "duration_hours": 1, "success_criteria": ["error_rate < 0.05"], "rollback_trigger": "error_rate > 0.5"}
          ],
          "initial_percentage": 25, "increment_policy": "linear", "max_blast_radius": 100, "observation_window_hours": 2, "min_samples": 5
        }
        """;

    /// <summary>The same, whose first stage no test outlasts.</summary>
    public static readonly string Standing = Plan.Replace("\"observation_window_hours\": 2", "\"observation_window_hours\": 500", StringComparison.Ordinal);

    private readonly PolicyCluster _cluster;
    private readonly ImmutableSortedDictionary<string, SimulatedFleet> _fleets;

    private Regions(PolicyCluster cluster, ImmutableSortedDictionary<string, SimulatedFleet> fleets, string old, string target) =>
        (_cluster, _fleets, Old, Target) = (cluster, fleets, old, target);

    public string Old { get; }

    public string Target { get; }

    public IRolloutWaveGrain Wave => _cluster.Grains.Wave(PolicyCluster.Tenant, WaveId);

    public SimulatedFleet this[string fleet] => _fleets[fleet];

    public static async Task<Regions> PrepareAsync(PolicyCluster cluster, params string[] names)
    {
        await cluster.LiftLimitAsync();
        var old = (await cluster.PublishAsync("1.0.0")).PolicyHash;
        var fleets = ImmutableSortedDictionary.CreateBuilder<string, SimulatedFleet>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var grain = cluster.Grains.Fleet(PolicyCluster.Tenant, name);
            PolicyCluster.Value(await grain.ConfigureAsync(new FleetSettings { ReportIntervalSec = 0.5 }, PolicyCluster.As("olga")));
            fleets[name] = await SimulatedFleet.RegisterAsync(cluster, Nodes, name);
            PolicyCluster.Value(await grain.SetBaselineAsync("1.0.0", "first", PolicyCluster.As("olga")));
            await fleets[name].SpeakUntilAsync(old, Nodes);
        }

        return new Regions(cluster, fleets.ToImmutable(), old, (await cluster.PublishAsync("2.0.0")).PolicyHash);
    }

    public Task<Outcome<WaveView>> StartAsync(ImmutableArray<ImmutableArray<string>> fleets, string plan = Plan, WaveOnHalt onHalt = WaveOnHalt.Pause, string id = WaveId,
        params ImmutableArray<WaveOverride> overrides) =>
        _cluster.Grains.Wave(PolicyCluster.Tenant, id).StartAsync(
            new StartWave(fleets, "2.0.0", Plans.Read(plan), false, onHalt, overrides, "new rules"), PolicyCluster.As("olga"));

    public async Task<WaveView> GetAsync() => PolicyCluster.Value(await Wave.GetAsync());

    public async Task<RolloutPhase?> StateOfAsync(string fleet) => (await GetAsync()).Fleets.Single(one => one.Fleet == fleet).State;

    /// <summary>All nodes speak and time passes until the wave is as it is wanted: many steps, each of which may take its time.</summary>
    public async Task PassUntilAsync(Func<WaveView, bool> holds, string what, Func<WaveView, Task>? check = null)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (true)
        {
            foreach (var (_, fleet) in _fleets)
            {
                await fleet.SpeakAsync();
            }

            var view = await GetAsync();
            if (check is not null)
            {
                await check(view);
            }

            if (holds(view))
            {
                return;
            }

            Assert.False(deadline.IsCancellationRequested, $"Not in five minutes: {what}; it is {view.State}: {view.Why.Sentence}");
            foreach (var fleet in view.Fleets.Where(fleet => fleet is { State: RolloutPhase.Active, BackId: null }))
            {
                await _fleets[fleet.Fleet].PassAsync(fleet.RolloutId!, TimeSpan.FromSeconds(4));
            }
        }
    }

    /// <summary>Nothing is done but that nodes speak, until the wave is as it is wanted.</summary>
    public Task UntilAsync(Func<WaveView, bool> holds, string what) => PolicyCluster.UntilAsync(
        async () =>
        {
            await Task.WhenAll(_fleets.Values.Select(fleet => fleet.SpeakAsync()));
            return holds(await GetAsync());
        },
        what);

    /// <summary>Every node of these fleets runs a hash in the end.</summary>
    public async Task AllRunAsync(string policyHash, params string[] fleets)
    {
        foreach (var fleet in fleets)
        {
            await _fleets[fleet].SpeakUntilAsync(policyHash, Nodes);
        }
    }

    /// <summary>From now on the nodes of a fleet fail under the target.</summary>
    public void Fail(string fleet)
    {
        foreach (var node in _fleets[fleet].Nodes)
        {
            node.ErrorRate = hash => hash == Target ? 0.9 : 0;
        }
    }
}
