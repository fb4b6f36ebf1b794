using System.Security.Claims;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Security;

/// <summary>
/// Finds out whose request it is: <c>Authorization: Bearer KEY</c>, or a browser's session. What the caller may do is
/// <see cref="AccessControl"/>'s to say.
/// </summary>
public sealed class ApiKeyAuthentication(RequestDelegate next, KeyCache keys, BrowserSessions sessions)
{
    private const string Scheme = "Bearer ";

    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        var shown = Shown(http);
        try
        {
            // A program that shows a key means that one, whatever cookies are sent with it.
            if (shown is { } key)
            {
                await RecogniseAsync(http, key, null);
            }
            else if (sessions.Find(http) is { } session)
            {
                await RecogniseAsync(http, session.Key, session);
            }
        }
        catch (StoreUnavailableException)
        {
            http.Features.Set<ShownKey>(new ShownKey.Uncertain(shown is null ? null : keys.FindLastKnown(shown)));
        }

        await next(http);
    }

    private async ValueTask RecogniseAsync(HttpContext http, string key, BrowserSession? session)
    {
        if (await keys.FindAsync(key) is not { } caller)
        {
            http.Features.Set<ShownKey>(new ShownKey.Refused());
            if (session is not null)
            {
                sessions.End(http);
            }

            return;
        }

        // Most say nothing, and share what is known of their key.
        var through = CallerInterface.Of(http.Request.Headers.UserAgent);
        http.Features.Set(through == caller.Interface && session is null ? caller : caller with { Interface = through, Session = session });
        if (session is not null)
        {
            // An anti-forgery token is the browser's and this user's.
            http.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, caller.Key.KeyId)], BrowserSessions.CookieName));
        }
    }

    private static string? Shown(HttpContext http) =>
        http.Request.Headers.Authorization is [{ Length: <= ApiKey.LengthMax } header]
        && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && header[Scheme.Length..].Trim() is { Length: > 0 } key
            ? key
            : null;
}

/// <summary>What became of a key that was shown and gave no caller.</summary>
public abstract record ShownKey
{
    private ShownKey()
    {
    }

    /// <summary>It is unknown, expired or revoked.</summary>
    public sealed record Refused : ShownKey;

    /// <summary>Whether it works cannot be known now.</summary>
    /// <param name="LastKnown">Whose it was when that could be known; null: it was not seen.</param>
    public sealed record Uncertain(ApiCaller? LastKnown) : ShownKey;
}
