using System.Collections.Immutable;
using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>What a fleet looks like at one moment: all that the decider may know of it.</summary>
public sealed record FleetObservation
{
    /// <summary>What disarms the fleet as a whole; null: nothing does.</summary>
    public ArmRow? Disarm { get; init; }

    /// <summary>When it was taken.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>
    /// Since when the fleet's reports are noted without interruption: a control plane that was down noted none, and time in which no
    /// samples could arrive does not count towards a window. Null: not interrupted.
    /// </summary>
    public DateTimeOffset? ObservingSince { get; init; }

    /// <summary>The directive in force.</summary>
    public required Directive Directive { get; init; }

    /// <inheritdoc cref="FleetSnapshot.EpochBehind"/>
    public long? EpochBehind { get; init; }

    /// <summary>Nodes by what they did with it.</summary>
    public required NodeCounts Nodes { get; init; }

    /// <summary>Metrics of the cohort over the trailing window, summed over its nodes.</summary>
    public ImmutableSortedDictionary<string, MetricTotal> Cohort { get; init; } = ImmutableSortedDictionary<string, MetricTotal>.Empty;

    /// <summary>The same over the other look-backs that were asked for.</summary>
    public ImmutableArray<LookedBack> LookBacks { get; init; } = [];

    /// <summary>The cohort and the nodes outside it, since the running window began; null unless asked for.</summary>
    public ComparedMetrics? Compared { get; init; }

    /// <summary>What configured queries said that criteria or the trigger name, by the metric's whole name, such as <c>prom:errors</c>.</summary>
    public ImmutableSortedDictionary<string, QueriedMetric> Queried { get; init; } = ImmutableSortedDictionary<string, QueriedMetric>.Empty;

    /// <summary>What the nodes found that evaluate the target beside the bundle in force; null: nobody is to.</summary>
    public ShadowFindings? Shadow { get; init; }

    /// <summary>When the newest sample of the cohort arrived.</summary>
    public DateTimeOffset? NewestSampleAt { get; init; }

    /// <summary>
    /// When the report arrived that made the watched trigger fire: the first sample after the last look at which it did not. Null: it
    /// does not fire, or none is watched.
    /// </summary>
    public DateTimeOffset? FiringSince { get; init; }

    /// <summary>The nodes that the watched way back waits for; null where none is watched.</summary>
    public ReturnCounts? Return { get; init; }

    /// <summary>The first few assigned nodes that refused the target or gave no answer in time, by when they did, with their own words.</summary>
    public ImmutableArray<NackedNode> Nacks { get; init; } = [];

    /// <summary>The first few assigned nodes that are fenced without having ACKed.</summary>
    public ImmutableArray<string> FencedNodes { get; init; } = [];

    /// <summary>The registered units; null unless asked for. A stage is entered only with one.</summary>
    public ImmutableArray<CensusUnit>? Census { get; init; }
}

/// <summary>Counts of nodes.</summary>
/// <param name="Assigned">In the cohort.</param>
/// <param name="Acked">Of these, with the target in force, whenever they were heard last.</param>
/// <param name="Nacked">Of these, that refused it.</param>
/// <param name="Silent">Of these, not heard within half the lease.</param>
/// <param name="Fenced">Of those assigned that have not ACKed, certain to have stopped serving: never a node that counts as ACKed.</param>
/// <param name="Registered">All registered nodes of the fleet.</param>
/// <param name="OnTarget">Nodes anywhere in the fleet that run the target or are assigned it.</param>
/// <param name="NoAck">Of those assigned, live for 60 s since they should have changed and neither ACKed nor NACKed: each counts as a NACK.</param>
public sealed record NodeCounts(
    int Assigned, int Acked, int Nacked, int Silent, int Fenced, int Registered = 0, int OnTarget = 0, int NoAck = 0);

/// <summary>A node that refused the target.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Error">Why, in its own words.</param>
/// <param name="At">When its refusal arrived, or its time for an answer had passed.</param>
public sealed record NackedNode(string Node, string? Error, DateTimeOffset? At = null);

/// <summary>A unit as the census counts it.</summary>
/// <param name="Unit"><see cref="NodeRecord.Unit"/>.</param>
/// <param name="FailureDomain">The domain of its first member.</param>
/// <param name="Registration">The registration number of its first member.</param>
/// <param name="Nodes">How many nodes it has, by domain of each node; for a single node one in its own domain. Who waits is not counted.</param>
public sealed record CensusUnit(string Unit, string FailureDomain, long Registration, ImmutableSortedDictionary<string, int> Nodes)
{
    /// <summary>The highest registration number of its members.</summary>
    public long NewestMember { get; init; } = Registration;

    /// <summary>The lowest registration number of a member that waits, because a cap has no room for it; null: none does.</summary>
    public long? FirstWaiting { get; init; }
}
