using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>The nodes that a way back waits for.</summary>
/// <param name="Nodes">All that may hold what was taken back.</param>
/// <param name="Acked">Of these, with what they should run now in force.</param>
/// <param name="Fenced">Of the rest, certain to have stopped serving.</param>
/// <param name="LastAckAt">When the last of them ACKed; null: none has.</param>
/// <param name="SettledAt">When the last of those that ACKed or are fenced did or was; null: none.</param>
public sealed record ReturnCounts(int Nodes, int Acked, int Fenced, DateTimeOffset? LastAckAt = null, DateTimeOffset? SettledAt = null)
{
    /// <summary>The first few that are fenced.</summary>
    public ImmutableArray<string> FencedNodes { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>The first few that it still waits for.</summary>
    public ImmutableArray<string> WaitingNodes { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>How many it still waits for.</summary>
    public int Waiting => Nodes - Acked - Fenced;
}
