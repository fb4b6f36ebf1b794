using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A value of the input, or none, while it is held against rules: its first byte says the kind, and texts and numbers are compared as they
/// stand.
/// </summary>
internal ref struct InputValue
{
    // Whoever parsed the context may have allowed more than JSON.
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    // Filled field by field where it stands, since copying what was just written piece by piece holds a processor up.
    private DecisionContext? context;
    private int row;
    private bool isEscaped;
    private ReadOnlySpan<byte> raw;

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

    /// <summary>Whether it is written with escapes, so that reading its text copies it.</summary>
    public readonly bool IsEscaped => isEscaped;

    public readonly bool IsList => !raw.IsEmpty && raw[0] == (byte)'[';

    /// <summary>The text in UTF-8, without quotes; empty for what is no text. Only a text that is written with escapes is copied.</summary>
    public readonly ReadOnlySpan<byte> Text => !IsText ? default : isEscaped ? Unescaped() : raw[1..^1];

    /// <summary>Whether it is an object or a list with something in it.</summary>
    public readonly bool HasMembers => Exists && context!.End(row) > row + 1;

    /// <summary>The nearest double of a number; false where there is none.</summary>
    public readonly bool TryGetNumber(out double number) => Utf8Parser.TryParse(raw, out number, out var read) && read == raw.Length;

    /// <summary>For deep comparison, and whatever else is seldom.</summary>
    public readonly JsonElement ToJson() => Exists ? JsonElement.Parse(raw, Lenient) : default;

    /// <summary>For a list: the rows of its members.</summary>
    public readonly Members GetEnumerator() => new(context!, row);

    /// <summary>For a list: whether a rule's operand is an equal one. Lists of other lengths, as hostile ones are, are not read for it.</summary>
    public readonly bool EqualsList(JsonElement operand)
    {
        if (operand.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        var missing = operand.GetArrayLength();
        foreach (var _ in this)
        {
            if (--missing < 0)
            {
                return false;
            }
        }

        return missing == 0 && JsonElement.DeepEquals(operand, ToJson());
    }

    /// <summary>Makes it what is in a row, or none.</summary>
    public void Set(DecisionContext found, int at)
    {
        context = found;
        row = at;
        raw = at < 0 ? default : found.Read(at, out isEscaped);
    }

    /// <summary>Makes it a text that is no part of a context.</summary>
    public void SetText(string text, Span<byte> buffer)
    {
        buffer[0] = (byte)'"';
        var length = 1 + Encoding.UTF8.GetBytes(text, buffer[1..]);
        buffer[length] = (byte)'"';
        raw = buffer[..(length + 1)];
    }

    private readonly ReadOnlySpan<byte> Unescaped()
    {
        var json = new Utf8JsonReader(raw);
        json.Read();
        var text = new byte[raw.Length];
        return text.AsSpan(0, json.CopyString(text));
    }

    /// <summary>The rows of a list's members.</summary>
    internal struct Members(DecisionContext context, int owner)
    {
        private int at = -1;

        public readonly int Current => at;

        public bool MoveNext()
        {
            at = at < 0 ? owner + 1 : context.End(at);
            return at < context.End(owner);
        }
    }
}
