using System.Collections.Immutable;
using System.Runtime.InteropServices;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Fleets;

/// <summary>
/// What a stage's caps leave to those who join one of its parity groups. A cut takes in whole units within the caps; who joins a group
/// of the cohort afterwards runs what the group runs, so that no cut can keep it out. Where the caps have no room for it, it waits and
/// serves nothing. It follows from the directive and the registrations alone, whoever computes it.
/// </summary>
/// <param name="PerDomain">At most so many nodes of one failure domain run the target; null: any number.</param>
/// <param name="MaxNodes">At most so many in all; null: any number.</param>
/// <param name="AsOf">Members with a registration number up to this one were counted when the stage was cut, and never wait.</param>
public sealed record StageCaps(int? PerDomain, int? MaxNodes, long AsOf)
{
    /// <summary>Where nobody waits.</summary>
    public static ImmutableHashSet<string> Nobody { get; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>The caps of a stage that is entered; null: nothing bounds it.</summary>
    /// <param name="caps">The plan's.</param>
    /// <param name="maxBlastRadius">The plan's, in percent. It counts the rollout's largest census: a fleet that shrinks moves nobody out.</param>
    /// <param name="percentage">The stage's percentage. At 100 % no cap holds.</param>
    /// <param name="largestCensus">The nodes of the rollout's largest census.</param>
    /// <param name="census">The census by which the stage is cut.</param>
    public static StageCaps? Of(PlanCaps? caps, decimal maxBlastRadius, decimal percentage, int largestCensus, ImmutableArray<CensusUnit> census)
    {
        int? within = maxBlastRadius < 100 ? CohortShares.NodesOf(maxBlastRadius, largestCensus) : null;
        var maxNodes = caps?.MaxNodes < within || within is null ? caps?.MaxNodes : within;
        return percentage >= 100 || (caps?.PerDomain is null && maxNodes is null)
            ? null
            : new StageCaps(
                caps?.PerDomain, maxNodes,
                census.Min(unit => unit.FirstWaiting) - 1 ?? census.Select(unit => unit.NewestMember).DefaultIfEmpty().Max());
    }

    /// <summary>
    /// Who waits: of the members who joined since the cut, in the order of their registration, each for whom there is no room. One for whom
    /// there is room takes it, wherever those before it wait. Where somebody leaves, there is room again.
    /// </summary>
    /// <param name="cohort">Every node whose unit is in the directive's cohort, in any order.</param>
    public ImmutableHashSet<string> WaitingOf(IEnumerable<NodeRecord> cohort)
    {
        ArgumentNullException.ThrowIfNull(cohort);
        var byDomain = new Dictionary<string, int>(StringComparer.Ordinal);
        var nodes = 0;
        var joined = new List<NodeRecord>();
        foreach (var node in cohort)
        {
            if (node.Group is not null && node.Registration > AsOf)
            {
                joined.Add(node);
            }
            else
            {
                Take(node);
            }
        }

        var waiting = Nobody.ToBuilder();
        foreach (var node in joined.OrderBy(node => node.Registration))
        {
            if (nodes >= MaxNodes || byDomain.GetValueOrDefault(node.FailureDomain) >= PerDomain)
            {
                waiting.Add(node.Node);
            }
            else
            {
                Take(node);
            }
        }

        return waiting.ToImmutable();

        void Take(NodeRecord node)
        {
            nodes++;
            CollectionsMarshal.GetValueRefOrAddDefault(byDomain, node.FailureDomain, out _)++;
        }
    }
}
