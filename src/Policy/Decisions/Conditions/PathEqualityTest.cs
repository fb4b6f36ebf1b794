using System.Runtime.InteropServices;
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

    public override Truth Check(JsonElement value, ref Evaluation evaluation) =>
        AreEqual(value, evaluation.Find(other)) == wanted ? Truth.Yes : Truth.No;

    public override Truth CheckCapability(ref Evaluation evaluation)
    {
        var value = evaluation.Find(other);
        return (value.ValueKind == JsonValueKind.String && value.ValueEquals(evaluation.Capability)) == wanted ? Truth.Yes : Truth.No;
    }

    private static bool AreEqual(JsonElement left, JsonElement right)
    {
        if (left.ValueKind != right.ValueKind || left.ValueKind == JsonValueKind.Undefined)
        {
            return false;
        }

        // The usual case: two texts written the same way.
        return JsonMarshal.GetRawUtf8Value(left).SequenceEqual(JsonMarshal.GetRawUtf8Value(right))
            || JsonElement.DeepEquals(left, right);
    }
}
