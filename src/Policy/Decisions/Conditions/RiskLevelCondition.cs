namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>action_envelope.risk_level</c>.</summary>
internal sealed class RiskLevelCondition(UnisonOperand operand) : Condition
{
    public override string Text => $"action_envelope.risk_level is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation) =>
        operand.Matches(ActionEnvelope.Member(evaluation.Context, "risk_level"u8)) ? Truth.Yes : Truth.No;
}
