using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>Facts about one of unison's match keys: what they look at is the same for all rules, only the operands differ.</summary>
internal static class UnisonFacts
{
    public static bool AreImpossible(List<Fact> facts)
    {
        // Whether one fails hangs on the request alone.
        if (facts.Any(f => f.Outcome == Truth.Error))
        {
            return facts.Any(f => f.Outcome != Truth.Error);
        }

        return facts.Where(f => f.Outcome == Truth.Yes).Any(yes => facts.Any(no => no.Outcome == Truth.No && Covers(no.Leaf, yes.Leaf)));
    }

    /// <summary>Whether every request that matches <paramref name="narrow"/> matches <paramref name="wide"/>.</summary>
    private static bool Covers(Condition wide, Condition narrow)
    {
        // An equal list of the request matches a list too, so only scalars are narrower than others.
        return wide.Text == narrow.Text
            || (OperandOf(narrow) is { IsList: false } few && OperandOf(wide) is { } many && few.Texts.All(many.Texts.Contains));
    }

    private static UnisonOperand? OperandOf(Condition condition) => condition switch
    {
        AuthScopeCondition c => c.Operand,
        ClassificationCondition c => c.Operand,
        DeviceClassCondition c => c.Operand,
        RiskLevelCondition c => c.Operand,
        ScopesCondition c => c.Operand,
        _ => null,
    };
}
