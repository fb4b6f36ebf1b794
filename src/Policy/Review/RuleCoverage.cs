using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>Which enabled rules decided something, and how often.</summary>
/// <param name="Rules">One for each enabled rule, in the order in which they are tried.</param>
/// <param name="ByDefault">How many decisions no rule made.</param>
public sealed record RuleCoverage(ImmutableArray<RuleHits> Rules, int ByDefault)
{
    /// <summary>How many rules decided at least once.</summary>
    public int Reached => Rules.Count(r => r.Count > 0);

    /// <summary>The same in percent of the enabled rules; 100 where there are none.</summary>
    public decimal Percentage => Rules.IsEmpty ? 100 : 100m * Reached / Rules.Length;

    /// <summary>Counts by whom the decisions were made.</summary>
    public static RuleCoverage Of(Bundle bundle, IReadOnlyCollection<Decision> decisions)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        var counts = decisions.Where(d => d.RuleId is not null).CountBy(d => d.RuleId!).ToDictionary(StringComparer.Ordinal);
        return new RuleCoverage(
            [.. RuleOrder.Of(bundle).Select(r => new RuleHits(r.Id, r.Position, r.Priority, counts.GetValueOrDefault(r.Id)))],
            decisions.Count - counts.Values.Sum());
    }
}

/// <summary>How often a rule decided.</summary>
/// <param name="RuleId">The rule.</param>
/// <param name="Position">Its place in the bundle, from 0.</param>
/// <param name="Priority">Its priority.</param>
/// <param name="Count">How many decisions it made.</param>
public sealed record RuleHits(string RuleId, int Position, int Priority, int Count);
