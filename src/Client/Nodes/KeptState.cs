using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// What a node keeps on disk over a restart: what it heard last and what was in force, whose bytes lie beside it. Before the first
/// bundle, only what protects against the past: trust roots and sequence.
/// </summary>
internal sealed record KeptState
{
    /// <summary>The tenant it was heard for.</summary>
    public required string Tenant { get; init; }

    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>The node.</summary>
    public required string Node { get; init; }

    /// <summary>The last directive that was obeyed. Its lease says whether leases were on.</summary>
    public NodeDirective? Directive { get; init; }

    /// <summary>The hash in force; its bytes are in <c>HASH.bundle.json</c>.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>When it was put in force.</summary>
    public DateTimeOffset? LoadedAt { get; init; }

    /// <summary>The highest sequence that was seen.</summary>
    public long? HighestSequence { get; init; }

    /// <summary>The trust roots from the one given at install to the newest that was followed.</summary>
    public ImmutableArray<TrustRoot> Roots { get; init; } = [];

    /// <summary>The path of the watched file; null: there is none, a control plane leads the node.</summary>
    public string? File { get; init; }

    /// <summary>The SHA-256 of the last bytes of it that were put in force.</summary>
    public string? FileHash { get; init; }
}
