using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>Splits facts about one of several into facts about each, so that several rules together may be seen to cover them.</summary>
internal static class FactSplits
{
    private const int CasesMax = 64;

    public static ImmutableArray<ImmutableArray<Fact>> Of(ImmutableArray<Fact> facts)
    {
        ImmutableArray<ImmutableArray<Fact>> cases = [facts];
        foreach (var parts in facts.Where(f => f.Outcome != Truth.Error).Select(Parts).Where(p => p.Length > 1 && p.Length * cases.Length <= CasesMax))
        {
            cases = [.. cases.SelectMany(c => parts.Select(c.AddRange))];
        }

        return cases;
    }

    private static ImmutableArray<ImmutableArray<Fact>> Parts(Fact fact) => fact switch
    {
        { Leaf: CapabilityCondition { Capabilities: { } set }, Outcome: Truth.Yes } =>
        [
            .. set.Exact.Select(e => Only(new CapabilityCondition(new CapabilitySet([e], [])))),
            .. set.Prefixes.Select(p => Only(new CapabilityCondition(new CapabilitySet([], [p])))),
        ],
        { Leaf: PathCondition path, Test: EqualityTest { Operand.ValueKind: JsonValueKind.Array } test } when test.Wanted == (fact.Outcome == Truth.Yes) =>
            Members(path, Operand.Members(test.Operand)),
        _ => [],
    };

    // Each member, and what is none of them: a list equal to the whole operand.
    private static ImmutableArray<ImmutableArray<Fact>> Members(PathCondition path, ImmutableArray<JsonElement> members)
    {
        var equal = members.Select(m => new PathCondition(path.Path, [new EqualityTest("eq", m, [new Literal(m)], wanted: true)])).ToArray();
        return [.. equal.Select(e => Only(e)), [.. equal.Select(e => new Fact(e, Truth.No))]];
    }

    private static ImmutableArray<Fact> Only(Condition condition) => [new Fact(condition, Truth.Yes)];
}
