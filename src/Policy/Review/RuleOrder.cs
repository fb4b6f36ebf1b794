using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>The order in which rules are tried.</summary>
internal static class RuleOrder
{
    /// <summary>The enabled rules, the first to be tried first.</summary>
    public static ImmutableArray<Rule> Of(Bundle bundle) =>
        [.. bundle.Rules.Where(r => r.Enabled).OrderByDescending(r => r.Priority).ThenBy(r => r.Position)];
}
