using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Security;

/// <summary>Finds out whose request it is: <c>Authorization: Bearer KEY</c>, from browsers see <see cref="ShownInBrowser"/>. What the caller may do is <see cref="AccessControl"/>'s to say.</summary>
public sealed class ApiKeyAuthentication(RequestDelegate next, KeyCache keys)
{
    private const string Scheme = "Bearer ";

    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (Shown(http) is not { } key)
        {
            await next(http);
            return;
        }

        try
        {
            if (await keys.FindAsync(key) is { } caller)
            {
                // Most say nothing, and share what is known of their key.
                var through = CallerInterface.Of(http.Request.Headers.UserAgent);
                http.Features.Set(through == caller.Interface ? caller : caller with { Interface = through });
            }
            else
            {
                http.Features.Set<ShownKey>(new ShownKey.Refused());
            }
        }
        catch (StoreUnavailableException)
        {
            http.Features.Set<ShownKey>(new ShownKey.Uncertain());
        }

        await next(http);
    }

    private static string? Shown(HttpContext http)
    {
        if (http.Request.Headers.Authorization is not [{ Length: <= ApiKey.LengthMax } header])
        {
            return null;
        }

        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? header[Scheme.Length..].Trim() is { Length: > 0 } key ? key : null
            : http.GetEndpoint()?.Metadata.GetMetadata<ShownInBrowser>() is not null ? ShownInBrowser.KeyOf(header) : null;
    }
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
    public sealed record Uncertain : ShownKey;
}
