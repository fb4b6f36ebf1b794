using System.Text.Json;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>What can be at a place.</summary>
[Flags]
internal enum ValueKinds
{
    None = 0,
    Absent = 1,
    Null = 2,
    True = 4,
    False = 8,
    Number = 16,
    Text = 32,
    List = 64,
    Object = 128,
    All = 255,
}

/// <summary>Which kinds of values an operator's outcome leaves.</summary>
internal static class KindsLeft
{
    public static ValueKinds By(Fact fact) => fact.Test switch
    {
        null => fact.Outcome == Truth.Error ? ValueKinds.None : ValueKinds.All, // The capability, which is a text.
        EqualityTest equality => ByEquality(equality, fact.Outcome),
        ExistsTest exists => fact.Outcome == Truth.Error ? ValueKinds.None
            : exists.Wanted == (fact.Outcome == Truth.Yes) ? ~ValueKinds.Absent & ValueKinds.All : ValueKinds.Absent,
        OrderTest => ByOutcome(fact.Outcome, ValueKinds.Number),
        ContainsTest => ByOutcome(fact.Outcome, ValueKinds.List | ValueKinds.Text),
        CidrTest => ByOutcome(fact.Outcome, ValueKinds.Text) | (fact.Outcome == Truth.Error ? ValueKinds.Text : ValueKinds.None),
        _ => ByOutcome(fact.Outcome, ValueKinds.Text),
    };

    public static ValueKinds Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => ValueKinds.Null,
        JsonValueKind.True => ValueKinds.True,
        JsonValueKind.False => ValueKinds.False,
        JsonValueKind.Number => ValueKinds.Number,
        JsonValueKind.String => ValueKinds.Text,
        JsonValueKind.Array => ValueKinds.List,
        _ => ValueKinds.Object,
    };

    private static ValueKinds ByOutcome(Truth outcome, ValueKinds meantFor) => outcome switch
    {
        Truth.Yes => meantFor,
        Truth.No => meantFor | ValueKinds.Absent,
        _ => ValueKinds.All & ~(meantFor | ValueKinds.Absent),
    };

    private static ValueKinds ByEquality(EqualityTest equality, Truth outcome)
    {
        if (outcome == Truth.Error)
        {
            return ValueKinds.None;
        }

        var kinds = Decisions.Operand.Members(equality.Operand).Aggregate(ValueKinds.None, (sum, member) => sum | Of(member));
        return equality.Wanted == (outcome == Truth.Yes)
            ? kinds | (Of(equality.Operand) & ValueKinds.List)
            : ValueKinds.All & ~(kinds & (ValueKinds.Null | ValueKinds.True | ValueKinds.False));
    }
}
