using System.Text.Json;

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
        evaluation.Find(other, out var otherValue);
        return AreEqual(value, otherValue) == wanted ? Truth.Yes : Truth.No;
    }

    private static bool AreEqual(in InputValue left, in InputValue right)
    {
        if (!left.Exists || left.Kind != right.Kind)
        {
            return false;
        }

        // The usual case: two values written the same way.
        return left.IsText
            ? left.Text.SequenceEqual(right.Text)
            : left.Raw.SequenceEqual(right.Raw) || JsonElement.DeepEquals(left.ToJson(), right.ToJson());
    }
}
