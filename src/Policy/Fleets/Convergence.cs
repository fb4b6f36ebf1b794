using System.Collections.Immutable;

namespace OrleansPolicy.Fleets;

/// <summary>The proof that a fleet runs a hash, or who does not.</summary>
public sealed record Convergence
{
    /// <summary>The hash asked for.</summary>
    public required string PolicyHash { get; init; }

    /// <summary>Nodes that have not left.</summary>
    public required int Total { get; init; }

    /// <summary>Live nodes whose last word is this hash.</summary>
    public required int OnHash { get; init; }

    /// <summary>Live nodes whose last word is another hash.</summary>
    public required ImmutableArray<string> NotOnHash { get; init; }

    /// <summary>Nodes never heard or silent.</summary>
    public required ImmutableArray<string> Unknown { get; init; }

    /// <summary>Nodes certain to have stopped serving.</summary>
    public required ImmutableArray<string> Fenced { get; init; }

    /// <summary>Whether every node that may serve runs the hash: no other hash, nobody unknown, at least one node on it.</summary>
    public required bool Converged { get; init; }

    /// <summary>The moment it holds for.</summary>
    public required DateTimeOffset At { get; init; }
}
