using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// <c>contains</c>: a list has a member that equals one of the operand's scalars, or a text has one of its texts in it. A value
/// that is neither list nor text is an error; an absent one is not.
/// </summary>
internal sealed class ContainsTest(JsonElement operand, ImmutableArray<Literal> literals) : ValueTest
{
    private readonly ImmutableArray<byte[]> texts = [.. (operand.ValueKind == JsonValueKind.Array ? operand.EnumerateArray().ToArray() : [operand])
        .Where(o => o.ValueKind == JsonValueKind.String).Select(o => System.Text.Encoding.UTF8.GetBytes(o.GetString()!))];

    public JsonElement Operand => operand;

    public override string Text => $"contains {operand.GetRawText()}";

    public override Truth Check(JsonElement value, ref Evaluation evaluation) => value.ValueKind switch
    {
        JsonValueKind.Array => HasMember(value),
        JsonValueKind.String => HasText(Utf8Text.Of(value)),
        JsonValueKind.Undefined => Truth.No,
        _ => evaluation.Fail("is neither a list nor a text"),
    };

    public override Truth CheckCapability(ref Evaluation evaluation) => HasText(evaluation.Capability);

    private Truth HasMember(JsonElement list)
    {
        foreach (var member in list.EnumerateArray())
        {
            var text = member.ValueKind == JsonValueKind.String ? Utf8Text.Of(member) : default;
            foreach (var literal in literals)
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
        foreach (var text in texts)
        {
            if (value.IndexOf(text) >= 0)
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }
}
