using System.Collections.Immutable;

namespace OrleansPolicy.Fleets;

/// <summary>Where a stage cuts a fleet.</summary>
/// <param name="Cuts">Per failure domain, who is in.</param>
/// <param name="Nodes">How many nodes of the census are in.</param>
/// <param name="Census">How many nodes the census counted.</param>
/// <param name="Warnings">
/// <c>census.shrunk</c>: the fleet lost so many nodes that those already in are more than the stage's share. <c>census.above_cap</c>: those
/// already in are more than the cap of a domain.
/// </param>
public sealed record CohortCut(
    ImmutableSortedDictionary<string, DomainCut> Cuts, int Nodes, int Census, ImmutableArray<Problem> Warnings)
{
    /// <summary>The code of the warning that more nodes hold the target than the stage would give it to.</summary>
    public const string ShrunkCode = "census.shrunk";

    /// <summary>The code of the warning that more nodes of a domain hold the target than its cap lets in.</summary>
    public const string AboveCapCode = "census.above_cap";
}
