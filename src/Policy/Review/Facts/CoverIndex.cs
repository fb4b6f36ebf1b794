using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review.Facts;

/// <summary>
/// Which of the rules so far could decide every request of a case, by the capabilities they name: a rule for others than the
/// case's cannot. So that the cost of examining a rule follows the rules that concern it and not their number.
/// </summary>
internal sealed class CoverIndex
{
    private readonly List<Rule> general = [];
    private readonly Dictionary<string, List<Rule>> byText = new(StringComparer.Ordinal);

    public void Add(Rule rule)
    {
        var set = rule.Conditions.Select(c => c.Capabilities).FirstOrDefault(c => c is not null);
        if (set is null || set.Prefixes.Contains(""))
        {
            general.Add(rule);
            return;
        }

        foreach (var text in set.Exact.Concat(set.Prefixes).Distinct())
        {
            (byText.TryGetValue(text, out var rules) ? rules : byText[text] = []).Add(rule);
        }
    }

    /// <summary>The rules that may cover the case, in the order in which they are tried.</summary>
    public IEnumerable<Rule> For(FactGroups facts)
    {
        // What covers all of the case's capabilities covers any one of them, so it names a beginning of it.
        var one = facts.SomeCapability;
        return one is null ? general : Enumerable.Range(1, one.Length).SelectMany(length => byText.GetValueOrDefault(one[..length]) ?? [])
            .Concat(general).Distinct().OrderByDescending(r => r.Priority).ThenBy(r => r.Position);
    }
}
