namespace OrleansPolicy.Client;

/// <summary>A bundle that is verified and compiled and about to be put in force.</summary>
/// <param name="PolicyHash">Its identity.</param>
/// <param name="Version">Its version.</param>
/// <param name="Rules">How many rules it has.</param>
public sealed record PolicyCandidate(string PolicyHash, string? Version, int Rules);
