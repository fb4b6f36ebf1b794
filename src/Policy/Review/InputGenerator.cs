using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Review.Facts;
using OrleansPolicy.Review.Inputs;

namespace OrleansPolicy.Review;

/// <summary>
/// Makes requests from what two bundles' rules look at: for every rule one that it decides, where one was found; for a rule that
/// differs and any other, one that both match; then each value at and next to the boundary of each condition; then such values
/// mixed at random. Rules that differ come first. The same bundles, count and seed give the same requests.
/// </summary>
public sealed class InputGenerator
{
    /// <summary>The most requests that are made.</summary>
    public const int CountMax = 1_000_000;

    private const int StepsMax = 24;
    private const int CasesTried = 4;
    private const int TriesPerRequest = 20;
    private const int PairsMax = 20_000;

    private readonly PlaceFacts places = new();
    private readonly List<(InputDraft Draft, ImmutableArray<Condition> Leaves)> bases = [];
    private readonly Dictionary<Rule, FactGroups?> cases = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> made = [];
    private readonly ImmutableArray<ReviewRequest>.Builder requests = ImmutableArray.CreateBuilder<ReviewRequest>();
    private readonly int count;
    private int differing;

    private InputGenerator(int count) => this.count = count;

    /// <summary>Makes at most so many requests; fewer where the rules look at too little to make so many different ones.</summary>
    public static ImmutableArray<ReviewRequest> Generate(Bundle before, Bundle after, int count, int seed)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, CountMax);
        var generator = new InputGenerator(count);
        var diff = RuleComparison.Compare(before, after);
        HashSet<string> interesting =
        [
            .. diff.Added.Select(r => r.RuleId), .. diff.Removed.Select(r => r.RuleId), .. diff.Changed.Select(r => r.RuleId), .. diff.Moved.Select(r => r.RuleId),
        ];
        Side[] sides = [new(before), new(after)];
        foreach (var side in sides)
        {
            generator.Reach(side, side.Order.Where(r => interesting.Contains(r.Id)));
        }

        generator.ReachPairs(sides, interesting);
        generator.differing = generator.bases.Count;
        foreach (var side in sides)
        {
            generator.Reach(side, side.Order.Where(r => !interesting.Contains(r.Id)));
        }

        generator.AddBoundaries();
        generator.AddMixtures(new Random(seed));
        return generator.requests.ToImmutable();
    }

    private void Reach(Side side, IEnumerable<Rule> rules)
    {
        foreach (var rule in rules)
        {
            if (Reach(rule, side, FactCases.Of(rule, Truth.Yes)?.Take(CasesTried) ?? []) is { } draft)
            {
                AddBase(draft, [.. ConditionWalk.Within(rule)]);
            }
        }
    }

    // Where a rule changes, other rules decide in its place, or it in theirs.
    private void ReachPairs(Side[] sides, HashSet<string> interesting)
    {
        var pairs = from side in sides
                    from rule in side.Order
                    where interesting.Contains(rule.Id)
                    from other in sides.SelectMany(s => s.Order).DistinctBy(r => r.Id)
                    where other.Id != rule.Id
                    select (side, rule, other);
        foreach (var (side, rule, other) in pairs.Take(PairsMax).TakeWhile(_ => requests.Count < count))
        {
            if (CaseOf(rule) is { } mine && CaseOf(other) is { } theirs && !mine.IsImpossibleWith(theirs.Facts)
                && Reach(rule, side, [mine.Facts.AddRange(theirs.Facts)]) is { } draft)
            {
                AddBase(draft, [.. ConditionWalk.Within(rule), .. ConditionWalk.Within(other)]);
            }
        }
    }

    private FactGroups? CaseOf(Rule rule)
    {
        if (!cases.TryGetValue(rule, out var found))
        {
            found = FactCases.Of(rule, Truth.Yes)?.Select(c => new FactGroups(c, places)).FirstOrDefault(c => !c.IsImpossible);
            cases[rule] = found;
        }

        return found;
    }

    /// <summary>A request that the rule decides; else one that it matches, though another rule may decide it.</summary>
    private InputDraft? Reach(Rule rule, Side side, IEnumerable<ImmutableArray<Fact>> starts)
    {
        InputDraft? matching = null;
        foreach (var start in starts)
        {
            var facts = start;
            for (var step = 0; step < StepsMax && InputDraft.Solve(facts) is { } draft; step++)
            {
                matching ??= draft;
                var decision = side.Rules.Decide(draft.ToRequest().ToDecisionRequest());
                if (decision.RuleId == rule.Id && !decision.IsError)
                {
                    return draft;
                }

                // Another one decides first: look for a way past it.
                var known = new FactGroups(facts, places);
                if (decision.RuleId is null || FactCases.Of(side.ById[decision.RuleId], Truth.No) is not { } ways
                    || ways.FirstOrDefault(way => !known.IsImpossibleWith(way) && InputDraft.Solve(facts.AddRange(way)) is not null) is not { IsDefault: false } past)
                {
                    break;
                }

                facts = facts.AddRange(past);
            }
        }

        return matching;
    }

    private void AddBase(InputDraft draft, ImmutableArray<Condition> leaves)
    {
        bases.Add((draft, leaves));
        Add(draft);
    }

    private void AddBoundaries()
    {
        foreach (var (draft, leaves) in bases.TakeWhile(_ => requests.Count < count))
        {
            foreach (var leaf in leaves)
            {
                foreach (var changed in Changes(draft, leaf))
                {
                    Add(changed);
                }
            }
        }
    }

    private static IEnumerable<InputDraft> Changes(InputDraft draft, Condition leaf) =>
        BoundaryValues.Of(leaf).SelectMany(place => place.Values.Select(value => draft.With(place.Slot, value)))
            .Concat(BoundaryValues.Capabilities(leaf).Select(capability => draft with { CapabilityId = capability }))
            .Concat(leaf is TimeWindowCondition window ? BoundaryValues.Times(window).Select(now => draft with { Now = now }) : []);

    // Half of them from rules that differ, changed in two to four places by conditions of the same rule, or now and then of another.
    private void AddMixtures(Random random)
    {
        const int ChangesMax = 4;
        var changes = new Dictionary<Condition, InputDraft[]>(ReferenceEqualityComparer.Instance);
        for (var tries = (long)count * TriesPerRequest; tries > 0 && requests.Count < count && bases.Count > 0; tries--)
        {
            var (draft, own) = bases[random.Next(differing > 0 && random.Next(2) == 0 ? differing : bases.Count)];
            for (var changed = random.Next(2, ChangesMax + 1); changed > 0; changed--)
            {
                var leaves = random.Next(3) > 0 ? own : bases[random.Next(bases.Count)].Leaves;
                if (leaves.IsEmpty)
                {
                    continue;
                }

                var leaf = leaves[random.Next(leaves.Length)];
                var known = changes.TryGetValue(leaf, out var all) ? all : changes[leaf] = [.. Changes(InputDraft.Empty, leaf)];
                draft = known.Length == 0 ? draft : draft.With(known[random.Next(known.Length)]);
            }

            Add(draft);
        }
    }

    private void Add(InputDraft draft)
    {
        if (requests.Count < count && draft.ToRequest() is var request
            && made.Add($"{request.Now:O} {request.Context?.GetRawText()} {request.CapabilityId}"))
        {
            requests.Add(request);
        }
    }

    /// <summary>One of the two bundles, ready to decide.</summary>
    private sealed class Side(Bundle bundle)
    {
        public RuleSet Rules { get; } = RuleSet.Compile(bundle).Value!;

        public ImmutableArray<Rule> Order { get; } = RuleOrder.Of(bundle);

        public Dictionary<string, Rule> ById { get; } = RuleOrder.Of(bundle).DistinctBy(r => r.Id).ToDictionary(r => r.Id);
    }
}
