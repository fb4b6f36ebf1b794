namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>safety_context.data_classification</c>.</summary>
internal sealed class ClassificationCondition(UnisonOperand operand, PathTable paths) : Condition
{
    private readonly InputPath place = paths.Place("safety_context", "data_classification");

    public UnisonOperand Operand => operand;

    public override string Text => $"safety_context.data_classification is {operand.Written}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        if (evaluation.FindInObject(place, out var value) == Truth.Error)
        {
            return Truth.Error;
        }

        return operand.Matches(value) ? Truth.Yes : Truth.No;
    }
}
