namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>safety_context.data_classification</c>.</summary>
internal sealed class ClassificationCondition(UnisonOperand operand) : Condition
{
    public override string Text => $"safety_context.data_classification is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        evaluation.TryMember(evaluation.Context, "safety_context"u8, "context", out var safetyContext);
        if (evaluation.TryMember(safetyContext, "data_classification"u8, "context.safety_context", out var value) == Truth.Error)
        {
            return Truth.Error;
        }

        return operand.Matches(value) ? Truth.Yes : Truth.No;
    }
}
