using System.Collections.Immutable;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Decisions;

/// <summary>
/// The first decisions of a rule set, made before anybody waits for them: they compile code and fill caches. What they decide is
/// thrown away.
/// </summary>
public static class WarmUp
{
    /// <summary>The most decisions of one warm-up.</summary>
    public const int DecisionsMax = 256;

    // A large rule set is hot after fewer decisions, and each of them tries more rules: a warm-up stays within milliseconds.
    private const int RulesTriedMax = 200_000;
    private const int RulesShown = 32;

    // The places that rules usually look at, so that a cold process has seen them read.
    private static readonly DecisionContext Usual = DecisionContext.Parse(
        """
        {"auth_scope":"warm.up","policy_context":{"scopes":["warm.up"]},"safety_context":{"data_classification":"internal"},
         "target":{"device_class":"none"},"action_envelope":{"risk_level":"low","target":{"device_class":"none"}},"person_id":"nobody"}
        """u8);

    /// <summary>Decides requests made up from the bundle's own rules, then recent real ones.</summary>
    /// <param name="policy">What is to be warmed.</param>
    /// <param name="recent">Recent inputs, in any order.</param>
    /// <param name="now">The moment that time windows are held against.</param>
    /// <returns>How many decisions were made.</returns>
    public static int Run(PreparedPolicy policy, IReadOnlyList<DecisionInput> recent, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(recent);
        var left = Math.Min(DecisionsMax, 1 + (RulesTriedMax / Math.Max(1, policy.Rules.Count)));
        var made = 0;
        foreach (var input in recent.Concat(MadeUp(policy.Bundle)).Take(left))
        {
            policy.Rules.Decide(new DecisionRequest(input.CapabilityId, input.Context, now));
            made++;
        }

        return made;
    }

    private static IEnumerable<DecisionInput> MadeUp(Bundle bundle) => bundle.Rules.Take(RulesShown).Select(CapabilityOf).Prepend("")
        .SelectMany(capability => (ImmutableArray<DecisionInput>)[new(capability, null), new(capability, Usual)]);

    private static string CapabilityOf(Rule rule) =>
        rule.Conditions.Select(condition => condition.Capabilities).FirstOrDefault(set => set is not null) is { } capabilities
            ? capabilities.Exact.Concat(capabilities.Prefixes).FirstOrDefault() ?? ""
            : "";
}
