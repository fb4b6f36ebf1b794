using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>What a rollout wants to know of its fleet.</summary>
/// <param name="WindowStart">Where the trailing observation window begins.</param>
/// <param name="KnownEpoch">The epoch that the asker knows: a fleet that knows a lower one missed a change.</param>
/// <param name="Trigger">The rollback trigger it watches, so that the fleet can tell since when it fires.</param>
/// <param name="Return">The way back whose nodes are to be counted.</param>
public sealed record FleetWatch(DateTimeOffset WindowStart, long KnownEpoch, string? Trigger = null, WayBack? Return = null)
{
    /// <summary>The other look-backs that its criteria and its trigger name.</summary>
    public ImmutableArray<LookBack> LookBacks { get; init; } = [];

    /// <summary>Where comparisons with the baseline begin; null: there is none.</summary>
    public DateTimeOffset? CompareFrom { get; init; }

    /// <summary>What the trigger is judged by; null where none is watched.</summary>
    public JudgeTerms? Terms { get; init; }

    /// <inheritdoc cref="FleetObservation.Queried"/>
    public ImmutableSortedDictionary<string, QueriedMetric> Queried { get; init; } = ImmutableSortedDictionary<string, QueriedMetric>.Empty;
}
