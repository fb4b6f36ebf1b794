using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>A scalar of a rule, prepared for comparison.</summary>
internal readonly struct Literal
{
    private readonly JsonValueKind kind;
    private readonly byte[] text;
    private readonly double number;
    private readonly long? integer;

    public Literal(JsonElement value)
    {
        kind = value.ValueKind;
        text = IsText ? Operand.Utf8(value) : [];
        number = kind == JsonValueKind.Number ? value.GetDouble() : 0;
        integer = kind == JsonValueKind.Number && value.TryGetInt64(out var exact) ? exact : null;
    }

    /// <summary>Whether a value can be a literal: everything but lists and objects.</summary>
    public static bool IsScalar(JsonElement value) => value.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object);

    /// <summary>Whether it is a text.</summary>
    public bool IsText => kind == JsonValueKind.String;

    /// <summary>The text in UTF-8; empty for what is no text.</summary>
    public ReadOnlySpan<byte> Utf8 => text;

    /// <summary>The literals of an operand; none at all where it has anything else, or nothing.</summary>
    public static Literal[] ReadAll(JsonElement operand)
    {
        if (operand.ValueKind != JsonValueKind.Array)
        {
            return IsScalar(operand) ? [new Literal(operand)] : [];
        }

        var (literals, count) = (new Literal[operand.GetArrayLength()], 0);
        foreach (var member in operand.EnumerateArray())
        {
            if (!IsScalar(member))
            {
                return [];
            }

            literals[count++] = new Literal(member);
        }

        return literals;
    }

    /// <summary>Whether the value is this one.</summary>
    /// <param name="value">A value of the input.</param>
    /// <param name="valueText">Its text, where it is one.</param>
    public bool ValueEquals(in InputValue value, ReadOnlySpan<byte> valueText) => kind switch
    {
        JsonValueKind.String => valueText.SequenceEqual(text) && value.IsText,
        JsonValueKind.Number => value.Kind == JsonValueKind.Number && CompareTo(value) == 0,
        _ => value.Kind == kind, // true, false, null
    };

    /// <summary>How the input's number compares to this one. Integers compare as integers, so that large ids do not run together.</summary>
    public int CompareTo(in InputValue value)
    {
        if (integer is { } exact && Utf8Parser.TryParse(value.Raw, out long other, out var read) && read == value.Raw.Length)
        {
            return other.CompareTo(exact);
        }

        return (ShortDecimal.TryParse(value.Raw, out var parsed) ? parsed : double.Parse(value.Raw, NumberStyles.Float, CultureInfo.InvariantCulture)).CompareTo(number);
    }
}
