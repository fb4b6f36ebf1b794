using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions;

/// <summary>Reads operands: one value, or a list of which any member will do. A bundle has tens of thousands of them.</summary>
internal static class Operand
{
    /// <summary>The members of a list, or the one value.</summary>
    public static ImmutableArray<JsonElement> Members(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return [value];
        }

        var members = ImmutableArray.CreateBuilder<JsonElement>(value.GetArrayLength());
        foreach (var member in value.EnumerateArray())
        {
            members.Add(member);
        }

        return members.MoveToImmutable();
    }

    /// <summary>Whether it is the empty text, which begins, ends and is in every text: never what was meant.</summary>
    public static bool IsEmptyText(JsonElement value) => value.ValueKind == JsonValueKind.String && value.ValueEquals("");

    /// <summary>Texts, none of them empty; no texts at all where the operand is anything else.</summary>
    public static ImmutableArray<string> Texts(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return IsText(value) ? [value.GetString()!] : [];
        }

        var (texts, count) = (new string[value.GetArrayLength()], 0);
        foreach (var member in value.EnumerateArray())
        {
            if (!IsText(member))
            {
                return [];
            }

            texts[count++] = member.GetString()!;
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(texts);
    }

    private static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String && !IsEmptyText(value);

    /// <summary>A text in UTF-8, as requests have theirs.</summary>
    public static byte[] Utf8(JsonElement text)
    {
        var raw = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        return raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(text.GetString()!) : raw.ToArray();
    }

    /// <summary>Texts in UTF-8.</summary>
    public static byte[][] Utf8(ImmutableArray<string> texts)
    {
        var utf8 = new byte[texts.Length][];
        for (var i = 0; i < texts.Length; i++)
        {
            utf8[i] = Encoding.UTF8.GetBytes(texts[i]);
        }

        return utf8;
    }
}
