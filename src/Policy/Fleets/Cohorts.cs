using System.Collections.Immutable;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Fleets;

/// <summary>
/// Who is in a stage. A stage is a census, a percentage and a salt; what comes out is one cut per failure domain, from which
/// whoever has it computes each node's bundle alone.
/// </summary>
public static class Cohorts
{
    /// <summary>
    /// Lower-case hexadecimal SHA-256 over the UTF-8 bytes of <paramref name="salt"/> (its text, as it stands in the directive)
    /// followed by those of <paramref name="unit"/>, with nothing between. Units are taken in the order of this text.
    /// </summary>
    public static string UnitHash(string salt, string unit) => UnitKey.Of(salt, unit).ToHex();

    /// <summary>
    /// Cuts a fleet for a stage. <c>floor(percentage * n / 100)</c> nodes (at most <see cref="PlanCaps.MaxNodes"/>) are shared out over the
    /// failure domains by largest remainder, ties by name; each domain's units are taken in the order of <see cref="UnitHash"/>, as
    /// far as share and caps reach, and none is skipped. Cuts only rise: whoever is in stays in. At 100 % everybody is in, caps or
    /// not. The order of the census does not matter.
    /// </summary>
    /// <param name="previous">The cuts in force; empty for the first stage.</param>
    /// <param name="census">The registered units.</param>
    /// <param name="percentage">The stage's percentage, above 0 to 100.</param>
    /// <param name="caps">Bounds in nodes; each node counts in its own domain.</param>
    /// <param name="salt">The directive's salt; the same in all stages of a rollout.</param>
    public static CohortCut Cut(
        ImmutableSortedDictionary<string, DomainCut> previous, ImmutableArray<CensusUnit> census, decimal percentage, PlanCaps? caps, string salt)
    {
        ArgumentNullException.ThrowIfNull(previous);
        ArgumentNullException.ThrowIfNull(salt);
        Invariant.Holds(percentage is > 0 and <= 100, "INV-CUT", "A stage is above 0 % and at most 100 %.");
        return new StageCut(previous, census, percentage, caps, salt).Make();
    }

    /// <summary>Whether a node of this unit, domain and registration runs the directive's target. At rest every node does.</summary>
    public static bool IsInCohort(Directive directive, string unit, string failureDomain, long registration)
    {
        ArgumentNullException.ThrowIfNull(directive);
        if (directive.AtRest)
        {
            return true;
        }

        return directive.Cuts.TryGetValue(failureDomain, out var cut)
            && cut.Cut is not null
            && registration <= cut.AsOf
            && (cut.Cut == DomainCut.All || UnitKey.Of(directive.Salt, unit).CompareTo(UnitKey.Parse(cut.Cut)) <= 0);
    }

    /// <summary>Which policy hash a node runs under a directive, a member of a group what its group runs; null before the fleet's first bundle.</summary>
    public static string? AssignedHash(Directive directive, NodeRecord node)
    {
        ArgumentNullException.ThrowIfNull(directive);
        ArgumentNullException.ThrowIfNull(node);
        var (domain, registration) = node.Group ?? new GroupPlace(node.FailureDomain, node.Registration);
        return IsInCohort(directive, node.Unit, domain, registration) ? directive.Target : directive.Fallback;
    }

    /// <summary>Which hash a node evaluates beside the one it runs; null: none.</summary>
    public static string? ShadowHash(Directive directive)
    {
        ArgumentNullException.ThrowIfNull(directive);
        return directive.Shadow ? directive.Target : null;
    }

    /// <summary>
    /// Percent of a fleet that runs or is assigned the target. The fleet's size is its largest in this rollout, so that nodes which
    /// leave do not make the rest look wider.
    /// </summary>
    public static decimal BlastRadius(int onTarget, int largestCensus, int registered)
    {
        var fleet = Math.Max(largestCensus, registered);
        return fleet == 0 ? 0 : 100m * onTarget / fleet;
    }
}
