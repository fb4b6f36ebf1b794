using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>A bundle that was verified and compiled, ready to decide. Shared by all agents of a process.</summary>
/// <param name="PolicyHash">Its identity.</param>
/// <param name="Version">Its version.</param>
/// <param name="Rules">The compiled rules.</param>
/// <param name="TrustVersion">The trust root it was verified under: a newer one may no longer accept it.</param>
internal sealed record LoadedPolicy(string PolicyHash, string? Version, RuleSet Rules, int TrustVersion);
