using System.Text.RegularExpressions;

namespace OrleansPolicy;

/// <summary>The names of tenants, fleets, nodes, tags, domains and groups.</summary>
public static partial class Names
{
    /// <summary>The code of the problem that <see cref="Check"/> reports.</summary>
    public const string InvalidCode = "name.invalid";

    private static readonly HashSet<string> Reserved = ["tenants", "keys", "arm", "disarm"];

    /// <summary>
    /// Whether the text is a name: <c>[a-z0-9][a-z0-9._-]{0,62}</c>, never 64 hexadecimal characters (a name is never
    /// mistaken for a policy hash), never a word that the HTTP paths keep for themselves.
    /// </summary>
    public static bool IsValid(string? name) => name is not null && Pattern().IsMatch(name) && !Reserved.Contains(name);

    /// <summary>Null for a valid name, else a problem with <see cref="InvalidCode"/>.</summary>
    public static Problem? Check(string? name, string what, string path = "$") => IsValid(name)
        ? null
        : new Problem(InvalidCode, $"{what} must match [a-z0-9][a-z0-9._-]{{0,62}} and not be a reserved word.", path);

    // The pattern allows at most 63 characters, so that a 64-character hash can never match.
    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,62}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
