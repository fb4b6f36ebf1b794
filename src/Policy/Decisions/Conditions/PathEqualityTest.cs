using System.Runtime.InteropServices;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// <c>eq</c> and <c>ne</c> with <c>{"path": ...}</c>: whether two places of the input hold the same value. What is absent equals
/// nothing, not even something else that is absent.
/// </summary>
internal sealed class PathEqualityTest(string name, InputPath other, bool wanted) : ValueTest
{
    public override string Text => $"{name} {other.Text}";

    public override Truth Check(in InputValue value, ref Evaluation evaluation) =>
        AreEqual(value, evaluation.Find(other)) == wanted ? Truth.Yes : Truth.No;

    public override Truth CheckCapability(ref Evaluation evaluation)
    {
        var value = evaluation.Find(other);
        return (value.Kind == JsonValueKind.String && value.Element.ValueEquals(evaluation.Capability)) == wanted ? Truth.Yes : Truth.No;
    }

    private static bool AreEqual(in InputValue left, in InputValue right)
    {
        if (left.Kind != right.Kind || left.Kind == JsonValueKind.Undefined)
        {
            return false;
        }

        // The usual case: two texts written the same way.
        return JsonMarshal.GetRawUtf8Value(left.Element).SequenceEqual(JsonMarshal.GetRawUtf8Value(right.Element))
            || JsonElement.DeepEquals(left.Element, right.Element);
    }
}
