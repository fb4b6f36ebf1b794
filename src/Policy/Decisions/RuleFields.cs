using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Decisions;

/// <summary>Reads single fields of rules.</summary>
internal static class RuleFields
{
    /// <summary>Notes each member that is not known. A field that no one reads is a rule that does not say what its author thinks.</summary>
    public static void RefuseUnknown(JsonElement owner, HashSet<string> known, JsonPlace path, RuleReadContext context)
    {
        if (!context.Strict)
        {
            return;
        }

        foreach (var member in owner.EnumerateObject())
        {
            if (!known.Contains(member.Name))
            {
                context.Refuse("bundle.unknown_field", $"The field {member.Name} is not known.", path.Member(member.Name));
            }
        }
    }

    /// <summary>A member that may be absent or null; undefined where it is, or where it has another type (a problem).</summary>
    public static JsonElement Optional(JsonElement owner, string name, JsonValueKind kind, string code, JsonPlace path, RuleReadContext context)
    {
        if (!owner.TryGetProperty(name, out var value) || value.ValueKind == kind)
        {
            return value;
        }

        context.Refuse(code, $"{name} is {(kind == JsonValueKind.Object ? "an object" : "a list")}.", path.Member(name));
        return default;
    }

    /// <summary>A text that may be absent or null.</summary>
    public static string? Text(JsonElement owner, string name, JsonPlace path, RuleReadContext context)
    {
        if (!owner.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: <= RuleReader.TextLengthMax } text)
        {
            return text;
        }

        context.Refuse("bundle.rule.text", $"{name} is a text of at most {RuleReader.TextLengthMax} characters.", path.Member(name));
        return null;
    }

    /// <summary>True or false; the given value where it is absent.</summary>
    public static bool Flag(JsonElement owner, string name, bool absent, JsonPlace path, RuleReadContext context)
    {
        if (!owner.TryGetProperty(name, out var value))
        {
            return absent;
        }

        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            context.Refuse("bundle.rule.flag", $"{name} is true or false.", path.Member(name));
        }

        return value.ValueKind == JsonValueKind.True;
    }
}
