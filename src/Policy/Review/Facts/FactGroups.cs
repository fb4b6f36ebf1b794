using System.Collections.Immutable;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Review.Inputs;

namespace OrleansPolicy.Review.Facts;

/// <summary>
/// Facts by what they are about: the capability, the time in a zone, one place of the context, or one condition that is only ever
/// compared with its like. Says where facts cannot be true together. Where it says nothing they may be: what is claimed is proven,
/// and not everything that is so is claimed.
/// </summary>
internal sealed class FactGroups
{
    private readonly Dictionary<string, List<Fact>> groups;
    private readonly PlaceFacts places;

    public FactGroups(ImmutableArray<Fact> facts, PlaceFacts places)
    {
        this.places = places;
        Facts = facts;
        groups = Group(facts);
        IsImpossible = groups.Values.Any(IsContradiction);
    }

    /// <summary>The facts, in no order.</summary>
    public ImmutableArray<Fact> Facts { get; }

    /// <summary>Whether no request has all of these facts.</summary>
    public bool IsImpossible { get; }

    /// <summary>A capability, or the beginning of capabilities, that the facts allow: every other rule for them all allows it too. Null: any may be.</summary>
    public string? SomeCapability => groups.GetValueOrDefault("capability_id")?
        .Where(f => f is { Leaf: CapabilityCondition, Outcome: Truth.Yes })
        .Select(f => f.Leaf.Capabilities!).MinBy(set => set.Exact.Length + set.Prefixes.Length) is { } set
            ? set.Exact.Concat(set.Prefixes).FirstOrDefault(t => t.Length > 0)
            : null;

    /// <summary>Whether no request has these facts and the others.</summary>
    public bool IsImpossibleWith(ImmutableArray<Fact> others) => IsImpossible || Group(others).Any(
        g => IsContradiction(groups.TryGetValue(g.Key, out var known) ? [.. known, .. g.Value] : g.Value));

    private static Dictionary<string, List<Fact>> Group(IEnumerable<Fact> facts)
    {
        var groups = new Dictionary<string, List<Fact>>(StringComparer.Ordinal);
        foreach (var fact in facts)
        {
            var subject = SubjectOf(fact);
            (groups.TryGetValue(subject, out var group) ? group : groups[subject] = []).Add(fact);
        }

        return groups;
    }

    private static string SubjectOf(Fact fact) => fact.Leaf switch
    {
        CapabilityCondition => "capability_id",
        TimeWindowCondition window => "time " + window.ZoneName,
        PathCondition path when fact.Test is not (null or PathEqualityTest) => path.Path.IsCapability ? "capability_id"
            : path.Path.IsSinglePlace ? InputSlot.Parse(path.Path.Text).Key : "like " + path.Text,
        PathCondition path => "like " + path.Text,
        var unison => unison.GetType().Name,
    };

    private bool IsContradiction(List<Fact> facts) => facts[0].Leaf switch
    {
        TimeWindowCondition => TimeFacts.AreImpossible(facts),
        CapabilityCondition => places.AreImpossible(facts),
        PathCondition path when facts[0].Test is not (null or PathEqualityTest) && (path.Path.IsCapability || path.Path.IsSinglePlace) =>
            places.AreImpossible(facts),
        PathCondition => facts.Any(f => f.Outcome != facts[0].Outcome),
        _ => UnisonFacts.AreImpossible(facts),
    };
}
