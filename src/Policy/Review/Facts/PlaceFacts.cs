using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Review.Inputs;

namespace OrleansPolicy.Review.Facts;

/// <summary>
/// Facts about one place of the context, or about the capability: whether a value is left that has all of them. Where only a few
/// values are possible each is tried as deciding would; else ranges, patterns and networks are compared. Remembers what it tried.
/// </summary>
internal sealed class PlaceFacts
{
    /// <summary>Beyond it, numbers that are written differently may be compared differently: nothing is claimed.</summary>
    private const double ExactMax = 1L << 53;

    private readonly Dictionary<(Condition Leaf, string Value), Truth> tried = [];

    public bool AreImpossible(List<Fact> facts)
    {
        var isCapability = facts[0].Leaf is CapabilityCondition or PathCondition { Path.IsCapability: true };
        var kinds = facts.Aggregate(isCapability ? ValueKinds.Text : ValueKinds.All, (left, fact) => left & KindsLeft.By(fact));
        return (kinds & ~(ValueKinds.Number | ValueKinds.Text | ValueKinds.List)) == 0
            && (!kinds.HasFlag(ValueKinds.Number) || AreNumbersImpossible(facts))
            && (!kinds.HasFlag(ValueKinds.Text) || AreTextsImpossible(facts))
            && (!kinds.HasFlag(ValueKinds.List) || AreListsImpossible(facts));
    }

    private bool AreNumbersImpossible(List<Fact> facts)
    {
        if (facts.SelectMany(Numbers).Any(n => Math.Abs(n.GetDouble()) > ExactMax))
        {
            return false;
        }

        if (OneOf(facts) is { } candidates)
        {
            return !candidates.Where(c => c.ValueKind == JsonValueKind.Number).Any(c => Fits(facts, c));
        }

        var (low, high) = ((Value: double.NegativeInfinity, Open: false), (Value: double.PositiveInfinity, Open: false));
        foreach (var (test, order) in facts.Where(f => f.Test is OrderTest).Select(Bound))
        {
            var bound = (Value: test.Operand.GetDouble(), Open: order is Order.Less or Order.Greater);
            if (order is Order.Less or Order.LessOrEqual)
            {
                high = bound.Value < high.Value || (bound.Value == high.Value && bound.Open) ? bound : high;
            }
            else
            {
                low = bound.Value > low.Value || (bound.Value == low.Value && bound.Open) ? bound : low;
            }
        }

        return low.Value > high.Value
            || (low.Value == high.Value && (low.Open || high.Open || !Fits(facts, JsonSerializer.SerializeToElement(low.Value))));
    }

    private bool AreTextsImpossible(List<Fact> facts)
    {
        var candidates = OneOf(facts)?.Where(c => c.ValueKind == JsonValueKind.String)
            ?? TextFacts.Finite(facts)?.Select(t => JsonSerializer.SerializeToElement(t));
        return candidates is not null ? !candidates.Any(c => Fits(facts, c)) : TextFacts.AreImpossible(facts);
    }

    private bool AreListsImpossible(List<Fact> facts)
    {
        var list = facts.Where(IsOne).Select(f => ((EqualityTest)f.Test!).Operand).FirstOrDefault(o => o.ValueKind == JsonValueKind.Array);
        if (list.ValueKind == JsonValueKind.Array)
        {
            return !facts.SelectMany(Numbers).Any(n => Math.Abs(n.GetDouble()) > ExactMax) && !Fits(facts, list);
        }

        var without = facts.Where(f => f is { Test: ContainsTest, Outcome: Truth.No }).SelectMany(Members).ToArray();
        return facts.Where(f => f is { Test: ContainsTest, Outcome: Truth.Yes })
            .Any(f => Members(f).All(m => without.Any(w => JsonElement.DeepEquals(m, w))));
    }

    /// <summary>The values of which it must be one, where the facts say so.</summary>
    private static JsonElement[]? OneOf(List<Fact> facts) => facts.Where(IsOne).Select(f => Members(f).ToArray()).MinBy(m => m.Length);

    private static bool IsOne(Fact fact) => fact.Test is EqualityTest equality && equality.Wanted == (fact.Outcome == Truth.Yes);

    private static IEnumerable<JsonElement> Members(Fact fact) => fact.Test switch
    {
        EqualityTest equality => Operand.Members(equality.Operand),
        ContainsTest contains => Operand.Members(contains.Operand),
        OrderTest order => [order.Operand],
        _ => [],
    };

    private static IEnumerable<JsonElement> Numbers(Fact fact) => Members(fact).Where(m => m.ValueKind == JsonValueKind.Number);

    private static (OrderTest Test, Order Order) Bound(Fact fact)
    {
        var test = (OrderTest)fact.Test!;
        return (test, fact.Outcome == Truth.Yes ? test.Order : test.Order switch
        {
            Order.Less => Order.GreaterOrEqual,
            Order.LessOrEqual => Order.Greater,
            Order.Greater => Order.LessOrEqual,
            _ => Order.Less,
        });
    }

    private bool Fits(List<Fact> facts, JsonElement value) => facts.TrueForAll(f => OutcomeOf(f.Leaf, value) == f.Outcome);

    private Truth OutcomeOf(Condition leaf, JsonElement value)
    {
        var key = (leaf, value.GetRawText());
        if (!tried.TryGetValue(key, out var truth))
        {
            truth = leaf is PathCondition { Path.IsCapability: false } path
                ? Trial.EvaluateAt(leaf, InputSlot.Parse(path.Path.Text), key.Item2)
                : Trial.Evaluate(leaf, new DecisionRequest(value.GetString()!, null, default));
            tried[key] = truth;
        }

        return truth;
    }
}
