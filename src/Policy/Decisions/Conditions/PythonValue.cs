using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>How unison's rules, which are Python's, see JSON values: which are empty, and what their text is.</summary>
internal static class PythonValue
{
    /// <summary>Everything but absent, null, false, zero, and empty texts, lists and objects.</summary>
    public static bool IsTruthy(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.String => !value.ValueEquals(ReadOnlySpan<byte>.Empty),
        JsonValueKind.Number => !value.TryGetDouble(out var number) || number != 0,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.GetPropertyCount() > 0,
        _ => true,
    };

    /// <summary>The same of a value of the input.</summary>
    public static bool IsTruthy(in InputValue value) => value.Kind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.String => value.Raw.Length > 2,
        JsonValueKind.Number => !value.TryGetNumber(out var number) || number != 0,
        JsonValueKind.Array or JsonValueKind.Object => value.HasMembers,
        _ => true,
    };

    /// <summary>Whether the value's text is this one. Lists and objects have no text here.</summary>
    public static bool TextEquals(in InputValue value, ReadOnlySpan<byte> text) => value.Kind switch
    {
        JsonValueKind.String => value.Text.SequenceEqual(text),
        JsonValueKind.True => text.SequenceEqual("True"u8),
        JsonValueKind.False => text.SequenceEqual("False"u8),
        JsonValueKind.Null or JsonValueKind.Undefined => text.SequenceEqual("None"u8),
        JsonValueKind.Number => Encoding.UTF8.GetBytes(NumberOf(value.Raw)).AsSpan().SequenceEqual(text),
        _ => false,
    };

    /// <summary>The text of a scalar; null for lists and objects.</summary>
    public static string? TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.True => "True",
        JsonValueKind.False => "False",
        JsonValueKind.Null or JsonValueKind.Undefined => "None",
        JsonValueKind.Number => NumberOf(JsonMarshal.GetRawUtf8Value(value)),
        _ => null,
    };

    private static string NumberOf(ReadOnlySpan<byte> number)
    {
        using var writer = new CanonicalWriter(CanonicalDialect.Python, CanonicalOptions.Default);
        return writer.Write(number) is { Succeeded: true, Value: var text } ? Encoding.ASCII.GetString(text.Span) : "inf";
    }
}
