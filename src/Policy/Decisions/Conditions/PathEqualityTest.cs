namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// <c>eq</c> and <c>ne</c> with <c>{"path": ...}</c>: whether two places of the input hold the same value. What is absent equals
/// nothing, not even something else that is absent.
/// </summary>
internal sealed class PathEqualityTest(string name, InputPath other, bool wanted) : ValueTest
{
    public InputPath Other => other;

    public bool Wanted => wanted;

    public override string Text => $"{name} {other.Text}";

    public override Truth Check(in InputValue value, ref Evaluation evaluation)
    {
        evaluation.FindCompared(other, out var otherValue);
        var areEqual = value.Exists && value.Kind == otherValue.Kind && evaluation.EqualsCompared(value, otherValue);
        return areEqual == wanted ? Truth.Yes : Truth.No;
    }
}
