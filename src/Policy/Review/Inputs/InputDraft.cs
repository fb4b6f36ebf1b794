using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Review.Facts;

namespace OrleansPolicy.Review.Inputs;

/// <summary>A request in the making: a capability, a time, and JSON texts at places.</summary>
internal sealed record InputDraft(string CapabilityId, DateTimeOffset Now, ImmutableDictionary<string, KeyValuePair<InputSlot, string?>> Values)
{
    public static readonly InputDraft Empty = new("any", BoundaryValues.Noon, ImmutableDictionary<string, KeyValuePair<InputSlot, string?>>.Empty);

    public InputDraft With(InputSlot slot, string? value) => this with { Values = Values.SetItem(slot.Key, new(slot, value)) };

    /// <summary>With what another draft says that the empty one does not.</summary>
    public InputDraft With(InputDraft other) => other.Values.Values.Aggregate(this, (draft, value) => draft.With(value.Key, value.Value)) with
    {
        CapabilityId = other.CapabilityId == Empty.CapabilityId ? CapabilityId : other.CapabilityId,
        Now = other.Now == Empty.Now ? Now : other.Now,
    };

    public ReviewRequest ToRequest() => new(CapabilityId, ContextBuilder.Build(Values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => v.Value)), Now);

    /// <summary>A request with all of these facts; null where none was found.</summary>
    public static InputDraft? Solve(ImmutableArray<Fact> facts)
    {
        var capability = Capability(facts);
        var now = facts.Select(f => f.Leaf).OfType<TimeWindowCondition>().SelectMany(BoundaryValues.Times).Prepend(BoundaryValues.Noon)
            .FirstOrDefault(t => facts.Where(f => f.Leaf is TimeWindowCondition).All(f => Trial.Evaluate(f.Leaf, new DecisionRequest("", null, t)) == f.Outcome));
        if (capability is null)
        {
            return null;
        }

        var draft = Empty with { CapabilityId = capability, Now = now };
        var bySlot = facts.SelectMany(f => BoundaryValues.Of(f.Leaf).Select(v => (Fact: f, v.Slot, v.Values))).GroupBy(v => v.Slot.Key);
        foreach (var place in bySlot.OrderBy(p => p.First().Slot.Steps.Length))
        {
            var alone = place.Where(p => p.Fact.Test is not PathEqualityTest).ToArray();
            var slot = place.First().Slot;

            // What must not be is easiest met by nothing at all. What must equal another place may take over what is there.
            var onlyNo = place.All(p => p.Fact.Outcome == Truth.No);
            var values = place.OrderByDescending(p => p.Fact.Outcome == Truth.Yes).SelectMany(p => p.Values)
                .Concat(place.Where(p => p.Fact.Test is PathEqualityTest).SelectMany(_ => draft.Values.Values.Select(v => v.Value)));
            foreach (var value in (onlyNo ? values.Prepend(null) : values.Append(null)).Distinct())
            {
                if (alone.All(p => Trial.EvaluateAt(p.Fact.Leaf, slot, value) == p.Fact.Outcome))
                {
                    draft = draft.With(slot, value);
                    break;
                }
            }
        }

        return draft.WithEqualPlaces(facts) is var solved && solved.Has(facts) ? solved : null;
    }

    private static string? Capability(ImmutableArray<Fact> facts)
    {
        var about = facts.Where(f => f.Leaf is CapabilityCondition or PathCondition { Path.IsCapability: true } && f.Test is not PathEqualityTest).ToArray();
        return about.SelectMany(f => BoundaryValues.Capabilities(f.Leaf)).Append(Empty.CapabilityId)
            .FirstOrDefault(c => about.All(f => Trial.Evaluate(f.Leaf, new DecisionRequest(c, null, default)) == f.Outcome));
    }

    // Two places that must hold the same: the one that only this asks for takes over from the other.
    private InputDraft WithEqualPlaces(ImmutableArray<Fact> facts)
    {
        var draft = this;
        foreach (var fact in facts.Where(f => f.Test is PathEqualityTest test && test.Wanted == (f.Outcome == Truth.Yes)))
        {
            var (test, path) = ((PathEqualityTest)fact.Test!, ((PathCondition)fact.Leaf).Path);
            var other = InputSlot.Parse(test.Other.Text);
            if (path.IsCapability)
            {
                draft = draft.With(other, JsonSerializer.Serialize(draft.CapabilityId, PolicyJson.Options));
                continue;
            }

            var here = InputSlot.Parse(path.Text);
            InputDraft[] ways = [draft.With(other, draft.At(here)), draft.With(here, draft.At(other)), draft.With(here, "\"same\"").With(other, "\"same\"")];
            draft = ways.FirstOrDefault(w => w.Has(facts)) ?? ways.FirstOrDefault(w => w.Has([fact])) ?? draft;
        }

        return draft;
    }

    private string? At(InputSlot slot) => Values.TryGetValue(slot.Key, out var value) ? value.Value : null;

    private bool Has(ImmutableArray<Fact> facts)
    {
        var request = ToRequest().ToDecisionRequest();
        return facts.All(f => Trial.Evaluate(f.Leaf, request) == f.Outcome);
    }
}
