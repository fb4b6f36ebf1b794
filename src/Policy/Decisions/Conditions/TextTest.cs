using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// An operator on texts: holds when one of its patterns matches. A value that is no text is an error; an absent one is not.
/// </summary>
internal sealed class TextTest(string name, JsonElement operand, TextPattern[] patterns) : ValueTest
{
    public string Name => name;

    public JsonElement Operand => operand;

    public override string Text => $"{name} {operand.GetRawText()}";

    public override Truth Check(in InputValue value, ref Evaluation evaluation) => value.Kind switch
    {
        JsonValueKind.String => Check(value.Text, ref evaluation),
        JsonValueKind.Undefined => Truth.No,
        _ => evaluation.Fail("is no text"),
    };

    private Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation)
    {
        foreach (var pattern in patterns)
        {
            if (pattern.Check(text, ref evaluation) is var truth and not Truth.No)
            {
                return truth;
            }
        }

        return Truth.No;
    }
}
