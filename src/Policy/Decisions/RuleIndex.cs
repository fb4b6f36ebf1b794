using System.Collections.Immutable;
using System.Runtime.InteropServices;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>
/// Which rules can match a capability, so that the cost of a decision follows the rules that concern it and not their number.
/// The lists hold places in the order of evaluation, ascending. Whatever is selected for a capability matches it, as far as the first
/// condition about capabilities goes.
/// </summary>
internal sealed class RuleIndex
{
    /// <summary>
    /// The most list entries; prefixes within prefixes repeat their rules. Beyond this every rule is general, which is slower and
    /// just as right: conditions are evaluated whether the index has looked at them or not.
    /// </summary>
    public const int EntriesMax = 4_000_000;

    private readonly Dictionary<string, int[]> exact = new(StringComparer.Ordinal);
    private readonly string[] prefixes;
    private readonly int[] parents; // The longest prefix that is a prefix of this one; -1 where there is none.
    private readonly int[][] prefixRules;

    public RuleIndex(ImmutableArray<Rule> rules)
    {
        var general = new List<int>();
        var byExact = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        var byPrefix = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (var i = 0; i < rules.Length; i++)
        {
            if (CapabilitiesOf(rules[i]) is not { } capabilities || capabilities.Prefixes.Contains(""))
            {
                general.Add(i);
                continue;
            }

            Note(byExact, capabilities.Exact, i);
            Note(byPrefix, capabilities.Prefixes, i);
        }

        prefixes = [.. byPrefix.Keys.Order(StringComparer.Ordinal)];
        parents = new int[prefixes.Length];
        prefixRules = new int[prefixes.Length][];
        var entries = Fill(byExact, byPrefix);
        if (entries > EntriesMax)
        {
            exact.Clear();
            prefixes = [];
            general = [.. Enumerable.Range(0, rules.Length)];
        }

        General = [.. general];
    }

    /// <summary>The rules that may match any capability.</summary>
    public int[] General { get; }

    /// <summary>The other rules that may match this one.</summary>
    public int[] Select(string capability)
    {
        if (exact.TryGetValue(capability, out var rules))
        {
            return rules;
        }

        var prefix = LongestPrefix(capability, prefixes.Length);
        return prefix < 0 ? [] : prefixRules[prefix];
    }

    private long Fill(Dictionary<string, List<int>> byExact, Dictionary<string, List<int>> byPrefix)
    {
        var entries = 0L;
        for (var i = 0; i < prefixes.Length && entries <= EntriesMax; i++)
        {
            parents[i] = LongestPrefix(prefixes[i], i);
            prefixRules[i] = Union(byPrefix[prefixes[i]], parents[i]);
            entries += prefixRules[i].Length;
        }

        foreach (var (name, own) in byExact)
        {
            if (entries > EntriesMax)
            {
                break;
            }

            exact[name] = Union(own, LongestPrefix(name, prefixes.Length));
            entries += exact[name].Length;
        }

        return entries;
    }

    private int[] Union(List<int> own, int prefix)
    {
        if (prefix < 0)
        {
            return [.. own];
        }

        // Both ascend; a rule may be in both.
        var (above, union) = (prefixRules[prefix], new List<int>(own.Count + prefixRules[prefix].Length));
        for (int i = 0, j = 0; i < own.Count || j < above.Length;)
        {
            var next = j == above.Length || (i < own.Count && own[i] < above[j]) ? own[i] : above[j];
            i += i < own.Count && own[i] == next ? 1 : 0;
            j += j < above.Length && above[j] == next ? 1 : 0;
            union.Add(next);
        }

        return [.. union];
    }

    private static CapabilitySet? CapabilitiesOf(Rule rule)
    {
        foreach (var condition in rule.Conditions)
        {
            if (condition.Capabilities is { } capabilities)
            {
                return capabilities;
            }
        }

        return null;
    }

    // Among the first `count` prefixes. The greatest one not after the text either begins it, or one of its parents does.
    private int LongestPrefix(string text, int count)
    {
        var (low, high) = (0, count - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (string.CompareOrdinal(prefixes[middle], text) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        while (high >= 0 && !text.StartsWith(prefixes[high], StringComparison.Ordinal))
        {
            high = parents[high];
        }

        return high;
    }

    private static void Note(Dictionary<string, List<int>> lists, ImmutableArray<string> names, int rule)
    {
        foreach (var name in names)
        {
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(lists, name, out _);
            list ??= new List<int>(1);
            if (list.Count == 0 || list[^1] != rule)
            {
                list.Add(rule); // Once, though the rule may name the capability twice.
            }
        }
    }
}
