using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>What a tenant's caps may be, and what they hold.</summary>
public static class CapRules
{
    /// <summary>A cap is below 1, or none is given.</summary>
    public const string InvalidCode = "caps.invalid";

    /// <summary>The tenant has no caps.</summary>
    public const string UnknownCode = "caps.unknown";

    // A refusal names the rollouts that stand in the way, and counts the rest.
    private const int NamedMax = 10;

    /// <summary>Sets the caps in the place of those before; fails with all that is wrong with them.</summary>
    public static Outcome<Restraints> Set(Restraints restraints, TenantCaps caps)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        ArgumentNullException.ThrowIfNull(caps);
        var problems = ImmutableArray.CreateBuilder<Problem>();
        Check(caps.MaxConcurrentRollouts, "max_concurrent_rollouts");
        Check(caps.MaxNodesPerFailureDomain, "max_nodes_per_failure_domain");
        if (caps is { MaxConcurrentRollouts: null, MaxNodesPerFailureDomain: null })
        {
            problems.Add(new Problem(InvalidCode, "Give max_concurrent_rollouts, max_nodes_per_failure_domain or both."));
        }

        return problems.Count > 0 ? Outcome<Restraints>.Fail(problems.ToImmutable()) : Outcome<Restraints>.Ok(restraints with { Caps = caps });

        void Check(int? cap, string field)
        {
            if (cap < 1)
            {
                problems.Add(new Problem(InvalidCode, $"{field} is at least 1: to hold everything stop the line.", "$." + field));
            }
        }
    }

    /// <summary>Takes the caps away; fails with <see cref="UnknownCode"/>.</summary>
    public static Outcome<Restraints> Remove(Restraints restraints)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        return restraints.Caps is null
            ? Outcome<Restraints>.Fail(UnknownCode, "The tenant has no caps.")
            : Outcome<Restraints>.Ok(restraints with { Caps = null });
    }

    /// <summary>Why no rollout of the tenant may start now; null: one more may be in flight.</summary>
    /// <param name="restraints">What the tenant holds back.</param>
    /// <param name="inFlight">What of the tenant is not final: running, paused, or on its way back.</param>
    public static Problem? Exceeded(Restraints restraints, ImmutableArray<RolloutState> inFlight)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        if (restraints.Caps?.MaxConcurrentRollouts is not { } limit || inFlight.Length < limit)
        {
            return null;
        }

        var named = inFlight.OrderBy(rollout => rollout.StartedAt).Take(NamedMax).Select(
            rollout => $"{rollout.RolloutId} on {rollout.Fleet} ({RolloutDecider.NameOf(rollout.Phase)})");
        var more = inFlight.Length > NamedMax ? $" and {inFlight.Length - NamedMax} more" : "";
        return new Problem(
            RolloutProblems.TenantCap, $"{inFlight.Length} rollouts of the tenant are in flight, the limit is {limit}: {string.Join(", ", named)}{more}.");
    }

    /// <summary>The caps that hold for a plan: of its own and the tenant's the stricter.</summary>
    public static PlanCaps? Of(RolloutPlan plan, Restraints restraints)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(restraints);
        return restraints.Caps?.MaxNodesPerFailureDomain is not { } cap
            ? plan.Caps
            : (plan.Caps ?? new PlanCaps()) with { PerDomain = Math.Min(plan.Caps?.PerDomain ?? cap, cap) };
    }
}
