using System.Collections.Immutable;

namespace OrleansPolicy.Fleets;

/// <summary>A fleet for a reader.</summary>
public sealed record FleetSnapshot
{
    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>Its settings.</summary>
    public required FleetSettings Settings { get; init; }

    /// <summary>Its directive.</summary>
    public required Directive Directive { get; init; }

    /// <summary>Rises with every change of settings or directive.</summary>
    public required long Revision { get; init; }

    /// <summary>Nodes by state: live, silent, fenced.</summary>
    public ImmutableSortedDictionary<string, int> Nodes { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>
    /// The highest epoch that a node reported, where the directive's is lower: the database was restored from an older backup, or that
    /// node lies. No lease is granted and nothing is started until an admin raises the epoch above it, or the node is removed.
    /// </summary>
    public long? EpochBehind { get; init; }

    /// <summary>Whether this call created it.</summary>
    public bool Created { get; init; }
}
