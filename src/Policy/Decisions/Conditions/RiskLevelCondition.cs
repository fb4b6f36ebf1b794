namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>action_envelope.risk_level</c>. An envelope that is no object counts as absent there.</summary>
internal sealed class RiskLevelCondition(UnisonOperand operand, PathTable paths) : Condition
{
    private readonly InputPath place = paths.RiskLevel;

    public UnisonOperand Operand => operand;

    public override string Text => $"action_envelope.risk_level is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        evaluation.Find(place, out var value);
        return operand.Matches(value) ? Truth.Yes : Truth.No;
    }
}
