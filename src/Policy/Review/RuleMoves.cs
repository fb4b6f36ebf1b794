using System.Collections.Immutable;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Review.Facts;

namespace OrleansPolicy.Review;

/// <summary>Finds rules that changed places with others that do something else for some of the same requests.</summary>
internal static class RuleMoves
{
    /// <summary>After so many pairs were looked into, every pair with different effects counts: bundles that were turned over end to end.</summary>
    private const int ProofsMax = 200_000;

    public static ImmutableArray<RuleMove> Of(ImmutableArray<(Rule Before, Rule After)> common)
    {
        var enabled = common.Where(p => p.Before.Enabled && p.After.Enabled).ToArray();
        var was = enabled.OrderByDescending(p => p.Before.Priority).ThenBy(p => p.Before.Position).ToArray();
        var (places, proofs) = (new PlaceFacts(), 0);
        var cases = new Dictionary<Rule, FactGroups[]?>();
        var isNow = enabled.OrderByDescending(p => p.After.Priority).ThenBy(p => p.After.Position)
            .Select((p, rank) => (p.After, rank)).ToDictionary(p => p.After, p => p.rank);
        var staying = Staying([.. was.Select(p => isNow[p.After])]);
        var moves = ImmutableArray.CreateBuilder<RuleMove>();
        for (var i = 0; i < was.Length; i++)
        {
            if (staying.Contains(i))
            {
                continue;
            }

            var moved = was[i].After;
            var others = was.Index().Where(o => (o.Index < i) != (isNow[o.Item.After] < isNow[moved]) && o.Index != i && Matters(moved, o.Item.After)).ToArray();
            if (others.Length > 0)
            {
                moves.Add(new RuleMove(
                    moved.Id,
                    [.. others.Where(o => o.Index < i).Select(o => o.Item.After.Id)],
                    [.. others.Where(o => o.Index > i).Select(o => o.Item.After.Id)]));
            }
        }

        return moves.ToImmutable();

        bool Matters(Rule one, Rule other) => one.Effect != other.Effect
            && (proofs++ >= ProofsMax || CasesOf(one) is not { } mine || CasesOf(other) is not { } theirs || mine.Any(m => theirs.Any(t => !m.IsImpossibleWith(t.Facts))));

        FactGroups[]? CasesOf(Rule rule) => cases.TryGetValue(rule, out var known) ? known
            : cases[rule] = FactCases.Of(rule, Truth.Yes)?.Select(c => new FactGroups(c, places)).ToArray();
    }

    /// <summary>As many as possible that stand in ascending order: they count as not moved, the others as moved past them.</summary>
    private static HashSet<int> Staying(int[] ranks)
    {
        // The usual method: the smallest end of an ascending row of each length.
        var (ends, previous) = (new List<int>(), new int[ranks.Length]);
        for (var i = 0; i < ranks.Length; i++)
        {
            var length = ends.BinarySearch(i, Comparer<int>.Create((a, b) => ranks[a].CompareTo(ranks[b])));
            length = length < 0 ? ~length : length;
            previous[i] = length == 0 ? -1 : ends[length - 1];
            if (length == ends.Count)
            {
                ends.Add(i);
            }
            else
            {
                ends[length] = i;
            }
        }

        var staying = new HashSet<int>();
        for (var i = ends.Count > 0 ? ends[^1] : -1; i >= 0; i = previous[i])
        {
            staying.Add(i);
        }

        return staying;
    }
}
