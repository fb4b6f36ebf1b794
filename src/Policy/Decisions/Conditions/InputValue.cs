using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A value of the input, or none, while it is held against rules. Its bytes are taken out of the document once: their first one
/// says the kind, and texts and numbers are compared as they stand, which costs a fraction of asking the document each time.
/// </summary>
internal ref struct InputValue
{
    // Filled field by field where it stands, since copying what was just written piece by piece holds a processor up.
    private JsonElement element;
    private ReadOnlySpan<byte> raw;

    /// <summary>For what lies below, and for deep comparison.</summary>
    public readonly JsonElement Element => element;

    /// <summary>The JSON of the value; empty where there is none.</summary>
    public readonly ReadOnlySpan<byte> Raw => raw;

    /// <summary>Whether there is a value. Null is one.</summary>
    public readonly bool Exists => !raw.IsEmpty;

    public readonly JsonValueKind Kind => raw.IsEmpty
        ? JsonValueKind.Undefined
        : raw[0] switch
        {
            (byte)'"' => JsonValueKind.String,
            (byte)'{' => JsonValueKind.Object,
            (byte)'[' => JsonValueKind.Array,
            (byte)'t' => JsonValueKind.True,
            (byte)'f' => JsonValueKind.False,
            (byte)'n' => JsonValueKind.Null,
            _ => JsonValueKind.Number,
        };

    public readonly bool IsText => !raw.IsEmpty && raw[0] == (byte)'"';

    public readonly bool IsList => !raw.IsEmpty && raw[0] == (byte)'[';

    /// <summary>The text in UTF-8, without quotes; empty for what is no text. Only a text that is written with escapes is copied.</summary>
    public readonly ReadOnlySpan<byte> Text
    {
        get
        {
            if (!IsText)
            {
                return default;
            }

            var text = raw[1..^1];
            return text.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(element.GetString()!) : text;
        }
    }

    /// <summary>Makes it what an element holds, or none.</summary>
    public void Set(in JsonElement found, bool isThere)
    {
        element = found;
        raw = isThere ? JsonMarshal.GetRawUtf8Value(found) : default;
    }

    /// <summary>Makes it what a step leads to, or none.</summary>
    public void Set(InputPath step, in JsonElement parent, JsonValueKind parentKind) =>
        raw = step.TryStep(parent, parentKind, out element) ? JsonMarshal.GetRawUtf8Value(element) : default;
}
