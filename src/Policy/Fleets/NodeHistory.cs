using System.Collections.Immutable;

namespace OrleansPolicy.Fleets;

/// <summary>A node's active bundle and reloads.</summary>
public sealed record NodeHistory
{
    /// <summary>The hash in force after the last reload.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>Its version.</summary>
    public string? Version { get; init; }

    /// <summary>The epoch under which it was loaded.</summary>
    public long Epoch { get; init; }

    /// <summary>At most ten, newest first.</summary>
    public ImmutableArray<ReloadRecord> Reloads { get; init; } = [];
}
