using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>What a node keeps on disk over a restart: what it heard last and what was in force. The bundle's bytes lie beside it.</summary>
internal sealed record KeptState
{
    /// <summary>The tenant it was heard for.</summary>
    public required string Tenant { get; init; }

    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>The node.</summary>
    public required string Node { get; init; }

    /// <summary>The last directive that was obeyed. Its lease says whether leases were on.</summary>
    public required NodeDirective Directive { get; init; }

    /// <summary>The hash in force; its bytes are in <c>HASH.bundle.json</c>.</summary>
    public required string PolicyHash { get; init; }

    /// <summary>When it was put in force.</summary>
    public required DateTimeOffset LoadedAt { get; init; }

    /// <summary>The highest sequence that was in force.</summary>
    public long? HighestSequence { get; init; }

    /// <summary>The trust roots from the one given at install to the newest that was followed.</summary>
    public ImmutableArray<TrustRoot> Roots { get; init; } = [];

    /// <summary>The path of the watched file; null: there is none.</summary>
    public string? File { get; init; }

    /// <summary>The SHA-256 of the last bytes of it that were judged.</summary>
    public string? FileHash { get; init; }
}
