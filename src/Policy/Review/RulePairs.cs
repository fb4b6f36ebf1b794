using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>Which rule of one bundle is which of another.</summary>
/// <param name="Common">Those that both have, in the order of the second.</param>
/// <param name="Added">Those that only the second has.</param>
/// <param name="Removed">Those that only the first has.</param>
internal sealed record RulePairs(
    ImmutableArray<(Rule Before, Rule After)> Common, ImmutableArray<Rule> Added, ImmutableArray<Rule> Removed)
{
    public static RulePairs Of(ImmutableArray<Rule> before, ImmutableArray<Rule> after)
    {
        var (left, common, added) = (Keyed(before), new List<(Rule, Rule)>(), new List<Rule>());
        var unnamed = new List<Rule>();
        foreach (var (key, rule) in Keyed(after))
        {
            if (left.Remove(key, out var old))
            {
                common.Add((old, rule));
            }
            else
            {
                (HasId(rule) ? added : unnamed).Add(rule);
            }
        }

        // Unnamed rules that say something else than any did: the first for the first, as they stand.
        var unnamedBefore = left.Values.Where(r => !HasId(r)).OrderBy(r => r.Position).ToArray();
        common.AddRange(unnamedBefore.Zip(unnamed));
        return new RulePairs(
            [.. common.OrderBy(p => p.Item2.Position)],
            [.. added.Concat(unnamed.Where((_, i) => i >= unnamedBefore.Length)).OrderBy(r => r.Position)],
            [.. left.Values.Where(HasId).Concat(unnamedBefore.Where((_, i) => i >= unnamed.Count)).OrderBy(r => r.Position)]);
    }

    private static Dictionary<string, Rule> Keyed(ImmutableArray<Rule> rules)
    {
        var keyed = new Dictionary<string, Rule>(StringComparer.Ordinal);
        foreach (var rule in rules)
        {
            // unison's bundles may have an id twice, and rules without an id may say the same twice.
            var key = HasId(rule) ? "id " + rule.Id : "says " + rule.Source.GetRawText();
            for (var n = 0; !keyed.TryAdd(string.Create(CultureInfo.InvariantCulture, $"{n} {key}"), rule); n++)
            {
            }
        }

        return keyed;
    }

    private static bool HasId(Rule rule) => rule.Source.TryGetProperty("id", out var id) && id.ValueKind != JsonValueKind.Null && !id.ValueEquals("");
}
