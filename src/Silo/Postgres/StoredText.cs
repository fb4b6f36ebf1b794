using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Text in a form that PostgreSQL can keep. It has no character U+0000 and no lone surrogate; a node's error message can have
/// both, and must not be able to stop the rollback that it is the reason for. Both become U+FFFD.
/// </summary>
internal static class StoredText
{
    private const char Replacement = '\uFFFD';
    private const string EscapedNul = "\\u0000";

    /// <summary>The text, clean.</summary>
    public static string Clean(string text)
    {
        if (!text.Contains('\0', StringComparison.Ordinal) && !HasLoneSurrogate(text))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            clean.Append(rune.Value == 0 ? Replacement.ToString() : rune.ToString());
        }

        return clean.ToString();
    }

    /// <summary>The record as JSON, clean.</summary>
    public static string Json<T>(T record) => CleanJson(JsonSerializer.Serialize(record, PolicyJson.Options));

    /// <summary>The record as it will be read again: what is hashed must be what is stored.</summary>
    public static T Clean<T>(T record)
    {
        var json = JsonSerializer.Serialize(record, PolicyJson.Options);
        var clean = CleanJson(json);
        return ReferenceEquals(json, clean) ? record : JsonSerializer.Deserialize<T>(clean, PolicyJson.Options)!;
    }

    /// <summary>JSON without the escape that jsonb refuses. The serializer itself replaces lone surrogates.</summary>
    private static string CleanJson(string json)
    {
        if (!json.Contains(EscapedNul, StringComparison.Ordinal))
        {
            return json;
        }

        var clean = new StringBuilder(json.Length);
        for (var i = 0; i < json.Length; i++)
        {
            if (json[i] != '\\')
            {
                clean.Append(json[i]);
            }
            else if (json.AsSpan(i).StartsWith(EscapedNul))
            {
                clean.Append(Replacement);
                i += EscapedNul.Length - 1;
            }
            else
            {
                // An escape is taken as a whole, so that the second half of "\\" begins no other.
                clean.Append(json[i]).Append(json[++i]);
            }
        }

        return clean.ToString();
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return true;
            }
        }

        return false;
    }
}
