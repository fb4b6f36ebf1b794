using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Reads the text of a JSON string without allocating.</summary>
internal static class Utf8Text
{
    /// <summary>The text in UTF-8. Only a text that is written with escapes is copied. The element is a string.</summary>
    public static ReadOnlySpan<byte> Of(JsonElement element)
    {
        var raw = JsonMarshal.GetRawUtf8Value(element)[1..^1];
        return raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(element.GetString()!) : raw;
    }
}
