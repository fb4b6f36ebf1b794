using System.Text.RegularExpressions;

namespace OrleansPolicy.Bundles;

/// <summary>Versions after Semantic Versioning 2.0.0. Only their form matters: a rollback may well go to an older one.</summary>
public static partial class SemVer
{
    /// <summary>The longest version that is taken, in characters.</summary>
    public const int LengthMax = 128;

    /// <summary>Whether the text is a version: <c>MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD]</c>.</summary>
    public static bool IsValid(string? text) => text is { Length: > 0 and <= LengthMax } && Pattern().IsMatch(text);

    [GeneratedRegex(
        @"\A(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();
}
