using System.Collections.Immutable;
using System.Text;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Review;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>Makes a fleet's recorded decisions again under a bundle that it is to be given.</summary>
internal sealed class Backtests(IDecisionHistory history, ICatalogStore catalog)
{
    /// <summary>Nothing where the plan demands no replay, or is met by it; else why the rollout must not start.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="fleet">The fleet.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="inForce">The bundle whose decisions are made again: those of others differ from it, not from the new one.</param>
    /// <param name="target">The new bundle.</param>
    public async Task<ImmutableArray<Problem>> CheckAsync(string tenant, string fleet, RolloutPlan plan, string inForce, string target)
    {
        if (BacktestGate.RecordsWanted(plan) is null)
        {
            return [];
        }

        if (await catalog.ReadContentAsync(tenant, target) is not { } content)
        {
            return [new Problem("bundle.unknown", $"The content of {target} cannot be read.", "$.ref")];
        }

        var bundle = BundleReader.Read(content.AsMemory(), new BundleReadOptions());
        var rules = bundle.Succeeded ? RuleSet.Compile(bundle.Value) : bundle.As<RuleSet>();
        if (!rules.Succeeded)
        {
            return rules.Problems;
        }

        var replay = new DecisionReplay(rules.Value, inForce);
        foreach (var line in await history.ReadNewestAsync(tenant, fleet, BacktestGate.RecordsMax))
        {
            replay.Add(DecisionRecord.Read(Encoding.UTF8.GetBytes(line)));
        }

        return BacktestGate.Check(plan, replay.ToReport());
    }
}
