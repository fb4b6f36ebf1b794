namespace OrleansPolicy.Bundles;

/// <summary>Writes the JSON paths that problems name.</summary>
internal static class JsonPath
{
    /// <summary>How much of a name is written: a name may be as long as its document, and is part of every path below it.</summary>
    public const int NameLengthMax = 200;

    /// <summary>The step to a member: <c>.name</c>, or <c>["..."]</c> where the name is no plain word; the beginning of a long one.</summary>
    public static string Member(string name) => name.Length > NameLengthMax ? Member(name[..(NameLengthMax - 1)] + "…")
        : name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
            ? "." + name
            : "[\"" + name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"]";
}
