using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Security;

/// <summary>Finds out whose request it is: <c>Authorization: Bearer KEY</c>. What the caller may do is <see cref="AccessControl"/>'s to say.</summary>
public sealed class ApiKeyAuthentication(RequestDelegate next, KeyCache keys)
{
    private const string Scheme = "Bearer ";

    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (Shown(http.Request) is not { } key)
        {
            await next(http);
            return;
        }

        try
        {
            if (await keys.FindAsync(key) is { } caller)
            {
                http.Features.Set(caller);
            }
            else
            {
                http.Features.Set(new RefusedKey());
            }
        }
        catch (StoreUnavailableException)
        {
            await Unavailable.Answer(http).ExecuteAsync(http);
            return;
        }

        await next(http);
    }

    private static string? Shown(HttpRequest request) =>
        request.Headers.Authorization is [{ Length: <= ApiKey.LengthMax } header]
        && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && header[Scheme.Length..].Trim() is { Length: > 0 } key
            ? key
            : null;
}

/// <summary>Marks a request that showed a key which does not work.</summary>
public sealed record RefusedKey;
