using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Review;
using OrleansPolicy.Silo.Feed;

namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>Nodes that do what agents do: poll, load, report. They speak to the feed as HTTP does.</summary>
public sealed class SimulatedFleet
{
    private readonly PolicyCluster _cluster;
    private readonly string _fleet;

    private SimulatedFleet(PolicyCluster cluster, string fleet, IEnumerable<SimulatedNode> nodes)
    {
        (_cluster, _fleet) = (cluster, fleet);
        Nodes = [.. nodes];
    }

    public ImmutableArray<SimulatedNode> Nodes { get; }

    public static async Task<SimulatedFleet> RegisterAsync(PolicyCluster cluster, int count, string fleet = PolicyCluster.Fleet)
    {
        var registrations = Enumerable.Range(0, count)
            .Select(i => new NodeRegistration { Node = $"node-{i:000}", FailureDomain = $"zone-{i % 2}" }).ToImmutableArray();
        PolicyCluster.Value(await Abstractions.GrainKeys.Fleet(cluster.Grains, PolicyCluster.Tenant, fleet).RegisterAsync(registrations, PolicyCluster.As("olga")));
        return new SimulatedFleet(cluster, fleet, registrations.Select(node => new SimulatedNode(node.Node, fleet)));
    }

    /// <summary>How many nodes have a hash in force.</summary>
    public int Running(string policyHash) => Nodes.Count(node => node.Running == policyHash);

    /// <summary>Every node polls, loads what it should run and reports.</summary>
    public Task SpeakAsync(int silo = 0) => Task.WhenAll(Nodes.Select(node => node.SpeakAsync(_cluster.Feeds(silo))));

    /// <summary>The nodes speak until so many of them have a hash in force: news reaches a feed a moment after it is durable.</summary>
    public Task SpeakUntilAsync(string policyHash, int nodes) => PolicyCluster.UntilAsync(
        async () =>
        {
            await SpeakAsync();
            return Running(policyHash) == nodes;
        },
        $"{nodes} nodes run {policyHash}");

    /// <summary>Lets time pass while the nodes speak and the rollout is looked at.</summary>
    public async Task PassAsync(string rolloutId, TimeSpan time, int silo = 0)
    {
        _cluster.Clock.Skip(time);
        var began = _cluster.Clock.GetUtcNow();
        await SpeakAsync(silo);

        // The words reach the fleet with the next hand-over.
        var said = Nodes.Max(node => node.Seq);
        await PolicyCluster.UntilAsync(
            async () => PolicyCluster.Value(await Abstractions.GrainKeys.Fleet(_cluster.Grains, PolicyCluster.Tenant, _fleet).NodesAsync())
                .Count(status => status.LastReportAt >= began) >= Nodes.Length,
            $"the fleet heard report {said}");
        await Abstractions.GrainKeys.Rollout(_cluster.Grains, PolicyCluster.Tenant, rolloutId).LookAsync();
    }
}

/// <summary>One node.</summary>
public sealed class SimulatedNode(string name, string fleet = PolicyCluster.Fleet)
{
    private string? _etag;
    private long _epoch;

    public string Name => name;

    public string? Running { get; private set; }

    public long Seq { get; private set; }

    /// <summary>Which share of its decisions fails, by the hash it runs.</summary>
    public Func<string?, double> ErrorRate { get; set; } = _ => 0;

    /// <summary>What it says where it cannot load a bundle; null: it can.</summary>
    public Func<string?, string?> Refuses { get; set; } = _ => null;

    /// <summary>Whether its agent knows what a shadow is.</summary>
    public bool KnowsShadows { get; set; } = true;

    /// <summary>How many of its 20 decisions a shadow would change.</summary>
    public long ShadowChanged { get; set; }

    /// <summary>What it evaluates beside what it runs.</summary>
    public string? Shadow { get; private set; }

    public async Task SpeakAsync(FleetFeeds feeds)
    {
        var answer = await feeds.WaitAsync(PolicyCluster.Tenant, fleet, name, _etag, TimeSpan.Zero);
        string? error = null;
        ReloadRecord? reload = null;
        if (answer is FeedAnswer.Changed { Directive: var directive } changed)
        {
            error = Refuses(directive.PolicyHash);
            if (error is null && Running != directive.PolicyHash)
            {
                Running = directive.PolicyHash;
                reload = new ReloadRecord(DateTimeOffset.UtcNow, directive.Version, Running, true, 12, 1);
            }

            Shadow = KnowsShadows ? directive.ShadowHash : null;
            (_etag, _epoch) = (error is null ? changed.ETag : null, directive.Epoch);
        }

        var metrics = ImmutableSortedDictionary<string, MetricValue>.Empty
            .Add("decisions", new MetricValue(20, 20))
            .Add("error_rate", new MetricValue(20, 20 * ErrorRate(Running)));
        var report = new NodeReport
        {
            BootId = "boot",
            Seq = ++Seq,
            Epoch = _epoch,
            PolicyHash = Running,
            Ack = error is null,
            Error = error,
            Reload = reload,
            Shadow = SayShadow(),
            Metrics = metrics,
        };
        await feeds.ReportAsync(PolicyCluster.Tenant, fleet, name, report);
    }

    private ShadowWord? SayShadow() =>
        Shadow is not { } hash ? null
        : Refuses(hash) is { } refusal ? new ShadowWord { PolicyHash = hash, Error = refusal }
        : new ShadowWord
        {
            PolicyHash = hash,
            Compared = 20,
            Changed = ShadowChanged,
            Changes = ShadowChanged == 0 ? [] : [new ShadowChange(DecisionChangeKind.AllowToDeny, "old-rule", "new-rule", ShadowChanged)],
        };
}
