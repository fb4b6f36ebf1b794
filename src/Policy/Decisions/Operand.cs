using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Decisions;

/// <summary>Reads operands: one value, or a list of which any member will do.</summary>
internal static class Operand
{
    /// <summary>The members of a list, or the one value.</summary>
    public static ImmutableArray<JsonElement> Members(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];

    /// <summary>Whether it is the empty text, which begins, ends and is in every text: never what was meant.</summary>
    public static bool IsEmptyText(JsonElement value) => value.ValueKind == JsonValueKind.String && value.ValueEquals("");

    /// <summary>Texts, none of them empty; no texts at all where the operand is anything else.</summary>
    public static ImmutableArray<string> Texts(JsonElement value)
    {
        var members = Members(value);
        return members.All(m => m.ValueKind == JsonValueKind.String && !IsEmptyText(m))
            ? [.. members.Select(m => m.GetString()!)]
            : [];
    }
}
