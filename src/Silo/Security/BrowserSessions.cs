using System.Security.Cryptography;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Security;

/// <summary>
/// Sessions of browsers. The cookie is the key itself, encrypted, with a time: nothing is kept of a session, every silo knows it, and it
/// can do what its key can do now and no longer than that works. Its hash would do to find the key; but then whoever reads the database,
/// where the hashes and the keys of the encryption are, could make sessions.
/// </summary>
public sealed class BrowserSessions(IDataProtectionProvider protection, IAntiforgery antiforgery)
{
    /// <summary>The session's cookie.</summary>
    public const string CookieName = "orleans-policy-session";

    /// <summary>What the cookie is encrypted for; a value that was encrypted for anything else is none.</summary>
    public const string Purpose = "OrleansPolicy.Session";

    /// <summary>Where a form has its anti-forgery token.</summary>
    public const string TokenField = "csrf";

    /// <summary>Where every other request has it.</summary>
    public const string TokenHeader = "X-CSRF-Token";

    /// <summary>After this a person signs in again.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromHours(8);

    private readonly ITimeLimitedDataProtector protector = protection.CreateProtector(Purpose).ToTimeLimitedDataProtector();
    private readonly SessionCookie cookie = new(CookieName);

    /// <summary>Registers them, with what they are encrypted by in the database.</summary>
    internal static void Add(IServiceCollection services)
    {
        services.AddDataProtection().SetApplicationName("orleans-policy");
        services.AddOptions<KeyManagementOptions>().Configure<PolicyDatabase>((options, database) => options.XmlRepository = new PostgresSessionKeys(database.DataSource));
        services.AddAntiforgery(options =>
        {
            options.Cookie = new SessionCookie("orleans-policy-csrf");
            options.FormFieldName = TokenField;
            options.HeaderName = TokenHeader;
        });
        services.AddSingleton<BrowserSessions>();
    }

    /// <summary>The session of a request; null: it has none, or none that goes on. Throws <see cref="StoreUnavailableException"/> where that cannot be known.</summary>
    public BrowserSession? Find(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (http.Request.Headers.Cookie.Count == 0 || http.Request.Cookies[CookieName] is not { } shown)
        {
            return null;
        }

        try
        {
            return new BrowserSession(protector.Unprotect(shown, out var endsAt), endsAt);
        }
        catch (CryptographicException exception)
        {
            return Outage(exception) is { } outage ? throw outage : null;
        }
    }

    /// <summary>Begins one for a key that works. Throws <see cref="StoreUnavailableException"/>.</summary>
    public void Begin(HttpContext http, string key)
    {
        ArgumentNullException.ThrowIfNull(http);
        try
        {
            http.Response.Cookies.Append(CookieName, protector.Protect(key, Lasts), cookie.Build(http));
        }
        catch (CryptographicException exception) when (Outage(exception) is { } outage)
        {
            throw outage;
        }
    }

    /// <summary>Takes the cookie from the browser.</summary>
    public void End(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        http.Response.Cookies.Delete(CookieName, cookie.Build(http));
    }

    /// <summary>The token of the pages that are shown to this browser now.</summary>
    public string TokenFor(HttpContext http) => antiforgery.GetAndStoreTokens(http).RequestToken!;

    /// <summary>Whether a request that changes something was made by a page of ours: it has the token that only those can read.</summary>
    public async Task<bool> IsOfOurPageAsync(HttpContext http)
    {
        try
        {
            return await antiforgery.IsRequestValidAsync(http);
        }
        catch (AntiforgeryValidationException)
        {
            // A form that cannot be read has no token.
            return false;
        }
    }

    private static StoreUnavailableException? Outage(Exception? exception)
    {
        while (exception is not (null or StoreUnavailableException))
        {
            exception = exception.InnerException;
        }

        return exception as StoreUnavailableException;
    }
}

/// <summary>What a browser's cookie says.</summary>
/// <param name="Key">The key that was shown when it began; whether it works now is <see cref="KeyCache"/>'s to say.</param>
/// <param name="EndsAt">When it ends.</param>
public sealed record BrowserSession(string Key, DateTimeOffset EndsAt);
