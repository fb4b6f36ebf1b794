namespace OrleansPolicy.Silo.Security;

/// <summary>
/// A cookie that no script reads, that goes with no request of another site, and that ends with the browser. It goes over TLS alone where
/// the browser came over TLS; where a proxy ends that, the proxy says so.
/// </summary>
internal sealed class SessionCookie : CookieBuilder
{
    private const string ForwardedScheme = "X-Forwarded-Proto";

    public SessionCookie(string name)
    {
        Name = name;
        Path = "/";
        HttpOnly = true;
        SameSite = SameSiteMode.Strict;
        SecurePolicy = CookieSecurePolicy.SameAsRequest;
        IsEssential = true;
    }

    /// <inheritdoc/>
    public override CookieOptions Build(HttpContext context, DateTimeOffset expiresFrom)
    {
        var options = base.Build(context, expiresFrom);

        // Whoever makes this header up makes his own cookie stricter.
        options.Secure |= context.Request.Headers[ForwardedScheme].ToString().StartsWith("https", StringComparison.OrdinalIgnoreCase);
        return options;
    }
}
