using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>What a unison match key compares with: the texts of one scalar or of a list's members.</summary>
internal sealed class UnisonOperand(JsonElement source, ImmutableArray<string> texts)
{
    private readonly byte[][] bytes = Operand.Utf8(texts);

    public ImmutableArray<string> Texts => texts;

    /// <summary>Whether the rule has a list, which an equal list of the request matches too.</summary>
    public bool IsList => source.ValueKind == JsonValueKind.Array;

    /// <summary>As written, for traces.</summary>
    public string Written => source.GetRawText();

    /// <summary>Whether the value's text is one of these, or the value is a list equal to this one.</summary>
    public bool Matches(in InputValue value)
    {
        if (value.IsList)
        {
            return value.EqualsList(source);
        }

        foreach (var text in bytes)
        {
            if (PythonValue.TextEquals(value, text))
            {
                return true;
            }
        }

        return false;
    }
}
