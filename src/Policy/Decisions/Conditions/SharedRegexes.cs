using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// The regular expressions that rules in use are made of, by pattern. A bundle that takes another's place has most of them too, and
/// building one takes as long as reading a hundred rules. Whatever no rule uses any more is left to the garbage collector.
/// </summary>
internal static class SharedRegexes
{
    /// <summary>The most patterns that are remembered; beyond it all are forgotten, which costs time and nothing else.</summary>
    public const int PatternsMax = 1_000;

    private static readonly ConcurrentDictionary<string, WeakReference<Regex>> Known = new(StringComparer.Ordinal);

    /// <summary>Null where the pattern does not parse, could backtrack, or would need too large an automaton.</summary>
    public static Regex? Find(string pattern)
    {
        if (Known.TryGetValue(pattern, out var reference) && reference.TryGetTarget(out var known))
        {
            return known;
        }

        if (Build(pattern) is not { } regex)
        {
            return null;
        }

        if (Known.Count >= PatternsMax)
        {
            Known.Clear();
        }

        Known[pattern] = new WeakReference<Regex>(regex);
        return regex;
    }

    private static Regex? Build(string pattern)
    {
        if (pattern.Length > RegexCost.LengthMax || RegexCost.Estimate(pattern) > RegexCost.StatesMax)
        {
            return null;
        }

        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }
}
