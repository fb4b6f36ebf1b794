namespace OrleansPolicy.Bundles;

/// <summary>Writes the JSON paths that problems name.</summary>
internal static class JsonPath
{
    /// <summary>The step to a member: <c>.name</c>, or <c>["..."]</c> where the name is no plain word.</summary>
    public static string Member(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
        ? "." + name
        : "[\"" + name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"]";
}
