using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Nodes;

/// <summary>What lasts of a node's reloads.</summary>
[StateVersion(1)]
internal sealed record NodeHistoryState
{
    /// <summary>The history.</summary>
    public NodeHistory History { get; init; } = new();
}
