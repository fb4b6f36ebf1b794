using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The page on which a person signs in and out: a form, without a script and without anything from elsewhere.</summary>
internal sealed class SessionPage : IResult
{
    private const string Style =
        ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}"
        + "h1{font-size:1.3rem}input,button{font:inherit;box-sizing:border-box;width:100%;padding:.5rem;margin:.3rem 0 .8rem}[role=alert]{font-weight:bold}";

    private static readonly string ContentSecurityPolicy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    private readonly int status;
    private readonly string content;

    private SessionPage(string content, int status)
    {
        this.content = content;
        this.status = status;
    }

    /// <summary>The form for signing in.</summary>
    /// <param name="token">The anti-forgery token.</param>
    /// <param name="to">The page that was asked for, of this server; null: none.</param>
    /// <param name="refused">Why the form that was sent did not do.</param>
    public static SessionPage SignIn(string token, string? to, (string Code, string Sentence)? refused = null)
    {
        var page = new StringBuilder("<h1>Sign in</h1>");
        if (refused is { } why)
        {
            page.Append($"<p role=\"alert\">{Text(why.Sentence)} <code>{Text(why.Code)}</code></p>");
        }

        page.Append($"<form method=\"post\" action=\"{SessionEndpoints.Path}\">{Hidden(BrowserSessions.TokenField, token)}");
        if (to is not null)
        {
            page.Append(Hidden(SessionEndpoints.ReturnField, to));
        }

        page.Append($"<label for=\"key\">Key</label><input id=\"key\" name=\"{SessionEndpoints.KeyField}\" type=\"password\" required maxlength=\"{ApiKey.LengthMax}\" ")
            .Append("autocomplete=\"current-password\" spellcheck=\"false\" autofocus><button>Sign in</button></form>");
        if (to is not null && refused is null)
        {
            // From a link of another site the browser sent no cookie: following one of ours, it does.
            page.Append($"<p>Signed in already? <a href=\"{Text(to)}\">Go on</a>.</p>");
        }

        return new SessionPage(page.ToString(), refused is null ? StatusCodes.Status200OK : StatusCodes.Status401Unauthorized);
    }

    /// <summary>Who is signed in, and the form for signing out.</summary>
    public static SessionPage SignedIn(ApiCaller caller, string token, string? dashboard)
    {
        var page = new StringBuilder("<h1>Signed in</h1>")
            .Append($"<p><strong>{Text(caller.Key.Subject)}</strong>, {Text(caller.Key.Role)} of {(caller.Key.Tenant is { } tenant ? "tenant " + Text(tenant) : "the installation")}, ")
            .Append($"until <time>{caller.Session!.EndsAt.UtcDateTime:yyyy-MM-dd HH:mm}</time> UTC.</p>");
        if (dashboard is not null)
        {
            page.Append($"<p><a href=\"{dashboard}\">Dashboard of the silos</a></p>");
        }

        page.Append($"<form method=\"post\" action=\"{SessionEndpoints.EndPath}\">{Hidden(BrowserSessions.TokenField, token)}<button>Sign out</button></form>");
        return new SessionPage(page.ToString(), StatusCodes.Status200OK);
    }

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.XFrameOptions = "DENY";
        response.Headers["Referrer-Policy"] = "same-origin";
        if (status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        var page = Encoding.UTF8.GetBytes(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Orleans.Policy</title>"
            + $"<style>{Style}</style></head><body><main>{content}</main></body></html>");
        response.ContentLength = page.Length;
        await response.Body.WriteAsync(page, httpContext.RequestAborted);
    }

    private static string Hidden(string name, string value) => $"<input type=\"hidden\" name=\"{name}\" value=\"{Text(value)}\">";

    private static string Text(string text) => HtmlEncoder.Default.Encode(text);
}
