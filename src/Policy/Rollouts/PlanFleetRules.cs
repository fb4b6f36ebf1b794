using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>Whether a plan fits a fleet, in nodes. The salt is not known before a start, so nothing here depends on it.</summary>
internal static class PlanFleetRules
{
    private const int GroupsListedMax = 20;

    /// <summary>Stages that reach no node, and groups that do not fit into their share.</summary>
    public static ImmutableArray<Problem> Check(
        RolloutPlan plan, PlanCaps? caps, ImmutableArray<CensusUnit> census, string path, ImmutableArray<string> stagePaths)
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        var fleet = new FleetCount(census);
        var refused = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, percentage, at) in Steps(plan, path, stagePaths))
        {
            if (fleet.NodesAt(percentage, caps) == 0)
            {
                problems.Add(new Problem(
                    PlanProblems.FleetTooSmall,
                    $"{name} at {percentage} % reaches no node of {fleet.Nodes}: it needs a fleet of at least {Math.Ceiling(100 / Math.Max(percentage, 0.000001m))}.",
                    at));
                continue;
            }

            foreach (var (unit, share) in fleet.TooLarge(percentage, caps))
            {
                if (refused.Count < GroupsListedMax && refused.Add(unit.Unit))
                {
                    problems.Add(new Problem(
                        PlanProblems.GroupTooLarge,
                        $"{unit.Unit} has {unit.Nodes.Values.Sum()} nodes; {name} at {percentage} % takes at most {share} of {unit.FailureDomain}.", at));
                }
            }
        }

        return problems.ToImmutable();
    }

    /// <summary>Stages that reach no further than the one before.</summary>
    public static ImmutableArray<Problem> Warn(
        RolloutPlan plan, PlanCaps? caps, ImmutableArray<CensusUnit> census, string path, ImmutableArray<string> stagePaths)
    {
        var warnings = ImmutableArray.CreateBuilder<Problem>();
        var fleet = new FleetCount(census);
        var before = 0;
        foreach (var (name, percentage, at) in Steps(plan, path, stagePaths))
        {
            var nodes = fleet.NodesAt(percentage, caps);
            if (nodes > 0 && nodes == before)
            {
                warnings.Add(new Problem(PlanProblems.AddsNoNode, $"{name} at {percentage} % reaches {nodes} nodes, as before it.", at));
            }

            before = nodes;
        }

        return warnings.ToImmutable();
    }

    /// <summary>How many nodes a stage reaches at most.</summary>
    public static int NodesOf(ImmutableArray<CensusUnit> census, decimal percentage, PlanCaps? caps) => new FleetCount(census).NodesAt(percentage, caps);

    private static IEnumerable<(string Name, decimal Percentage, string Path)> Steps(RolloutPlan plan, string path, ImmutableArray<string> stagePaths)
    {
        if (plan.InitialPercentage < plan.Stages[0].TargetPercentage)
        {
            yield return ("initial_percentage", plan.InitialPercentage, path + ".initial_percentage");
        }

        for (var i = 0; i < plan.Stages.Length; i++)
        {
            yield return ($"Stage {plan.Stages[i].StageId}", plan.Stages[i].TargetPercentage, stagePaths[i]);
        }
    }

    private sealed class FleetCount
    {
        private readonly ImmutableArray<CensusUnit> census;
        private readonly SortedDictionary<string, int> domains = new(StringComparer.Ordinal);

        public FleetCount(ImmutableArray<CensusUnit> census)
        {
            this.census = census;
            foreach (var unit in census)
            {
                var size = unit.Nodes.Values.Sum();
                Nodes += size;
                domains[unit.FailureDomain] = domains.GetValueOrDefault(unit.FailureDomain) + size;
            }
        }

        public int Nodes { get; }

        public int NodesAt(decimal percentage, PlanCaps? caps) =>
            percentage >= 100 ? Nodes : Shares(percentage, caps).Values.Sum(share => Math.Min(share, caps?.PerDomain ?? int.MaxValue));

        /// <summary>Groups that could stand first in their domain and would not fit into its share: nobody behind them would ever come in.</summary>
        public IEnumerable<(CensusUnit Unit, int Share)> TooLarge(decimal percentage, PlanCaps? caps)
        {
            if (percentage >= 100)
            {
                yield break;
            }

            var shares = Shares(percentage, caps);
            foreach (var unit in census)
            {
                var share = shares[unit.FailureDomain];
                var fits = unit.Nodes.Values.Sum() <= share && unit.Nodes.Values.All(nodes => nodes <= (caps?.PerDomain ?? int.MaxValue));
                if (share > 0 && !fits)
                {
                    yield return (unit, Math.Min(share, caps?.PerDomain ?? int.MaxValue));
                }
            }
        }

        private Dictionary<string, int> Shares(decimal percentage, PlanCaps? caps)
        {
            var quota = Math.Min(CohortShares.NodesOf(percentage, Nodes), caps?.MaxNodes ?? int.MaxValue);
            var (shares, _) = CohortShares.Share(quota, [.. domains.Values.Select(nodes => (nodes, 0))]);
            return domains.Keys.Zip(shares).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
        }
    }
}
