using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>A bundle that was verified and compiled, ready to decide. Shared by all agents of a process.</summary>
/// <param name="Prepared">The bundle and its compiled rules.</param>
/// <param name="TrustVersion">The trust root it was verified under: a newer one may no longer accept it.</param>
/// <param name="Content">The bytes that were verified, for a node that keeps them on disk.</param>
internal sealed record LoadedPolicy(PreparedPolicy Prepared, int TrustVersion, ReadOnlyMemory<byte> Content)
{
    /// <summary>Its identity.</summary>
    public string PolicyHash { get; } = Prepared.Bundle.PolicyHash;

    /// <summary>Its version.</summary>
    public string Version { get; } = Prepared.Bundle.Metadata.Version;

    /// <summary>The compiled rules.</summary>
    public RuleSet Rules { get; } = Prepared.Rules;
}
