using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// <c>contains</c>: a list has a member that equals one of the operand's scalars, or a text has one of its texts in it. A value
/// that is neither list nor text is an error; an absent one is not.
/// </summary>
internal sealed class ContainsTest(JsonElement operand, Literal[] literals) : ValueTest
{
    public JsonElement Operand => operand;

    public override string Text => $"contains {operand.GetRawText()}";

    public override Truth Check(in InputValue value, ref Evaluation evaluation) => value.Kind switch
    {
        JsonValueKind.Array => HasMember(value, ref evaluation),
        JsonValueKind.String => HasText(value.Text),
        JsonValueKind.Undefined => Truth.No,
        _ => evaluation.Fail("is neither a list nor a text"),
    };

    private Truth HasMember(in InputValue list, ref Evaluation evaluation)
    {
        var member = default(InputValue);
        foreach (var element in list)
        {
            member.Set(evaluation.Context, element);
            var text = member.Text;
            foreach (ref readonly var literal in literals.AsSpan())
            {
                if (literal.ValueEquals(member, text))
                {
                    return Truth.Yes;
                }
            }
        }

        return Truth.No;
    }

    private Truth HasText(ReadOnlySpan<byte> value)
    {
        foreach (ref readonly var literal in literals.AsSpan())
        {
            if (literal.IsText && value.IndexOf(literal.Utf8) >= 0)
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }
}
