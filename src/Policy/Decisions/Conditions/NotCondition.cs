namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Holds when the other does not; an error stays an error.</summary>
internal sealed class NotCondition(Condition condition) : Condition
{
    public Condition Condition => condition;

    public override string Text => "not (" + condition.Text + ")";

    public override Truth Evaluate(ref Evaluation evaluation) => condition.Evaluate(ref evaluation) switch
    {
        Truth.No => Truth.Yes,
        Truth.Yes => Truth.No,
        _ => Truth.Error,
    };
}
