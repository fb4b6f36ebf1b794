using System.Text;

namespace OrleansPolicy.Silo.Security;

/// <summary>
/// Marks pages that people look at with a browser, which asks for a name and a password (HTTP Basic, RFC 7617): the password is the key,
/// the name is nobody's business. Only for what changes nothing: a browser shows what it was given to every page of this origin, and
/// would show it for a form of another one too.
/// </summary>
public sealed record ShownInBrowser
{
    /// <summary>What makes a browser ask.</summary>
    public const string Challenge = "Basic realm=\"orleans-policy: the password is an admin key\", charset=\"UTF-8\"";

    private const string Scheme = "Basic ";

    /// <summary>The key in an <c>Authorization</c> header of a browser; null: there is none.</summary>
    public static string? KeyOf(string header)
    {
        ArgumentNullException.ThrowIfNull(header);
        Span<byte> bytes = stackalloc byte[ApiKey.LengthMax];
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || !Convert.TryFromBase64String(header[Scheme.Length..].Trim(), bytes, out var length))
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(bytes[..length]);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon >= 0 && text[(colon + 1)..].Trim() is { Length: > 0 } key ? key : null;
    }
}
