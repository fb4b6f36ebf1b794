using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Where a person with a browser shows a key, once, and takes it back.</summary>
internal static class SessionEndpoints
{
    /// <summary>The page, and where its form goes.</summary>
    public const string Path = "/session";

    /// <summary>Where the form for signing out goes.</summary>
    public const string EndPath = "/session/end";

    /// <summary>The field with the key.</summary>
    public const string KeyField = "key";

    /// <summary>Where to go afterwards: in the page's address, and a field of its form.</summary>
    public const string ReturnField = "return";

    /// <summary>Maps them. Open to all: who has no session yet gets one here.</summary>
    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Show).WithMetadata(new OpenToAll()).ExcludeFromDescription();
        routes.MapPost(Path, BeginAsync).WithMetadata(new OpenToAll(), new SignsIn(), new FormSize()).ExcludeFromDescription();
        routes.MapPost(EndPath, EndAsync).WithMetadata(new OpenToAll(), new FormSize()).ExcludeFromDescription();
    }

    /// <summary>Where a person goes who opened a page for browsers without a session; null: it was a program that asked.</summary>
    public static IResult? SignInBefore(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<ShownInBrowser>() is not null
        && http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            ? Results.LocalRedirect($"{Path}?{ReturnField}={Uri.EscapeDataString(http.Request.Path.ToUriComponent() + http.Request.QueryString)}")
            : null;

    private static IResult Show(HttpContext http, BrowserSessions sessions, SiloSettings settings)
    {
        if (http.Features.Get<ShownKey>() is ShownKey.Uncertain)
        {
            return Unavailable.Answer(http);
        }

        return http.Features.Get<ApiCaller>() is { Session: not null } caller
            ? SessionPage.SignedIn(caller, sessions.TokenFor(http), settings.Dashboard ? DashboardEndpoints.Path + "/" : null)
            : SessionPage.SignIn(sessions.TokenFor(http), LocalPath(http.Request.Query[ReturnField]));
    }

    private static async Task<IResult> BeginAsync(HttpContext http, KeyCache keys, BrowserSessions sessions)
    {
        if (await ReadFormAsync(http) is not { } form)
        {
            return NoForm();
        }

        var to = LocalPath(form[ReturnField]);

        // Without it another site could sign somebody in under its own key, who would then tell his secrets to it.
        if (!await sessions.IsOfOurPageAsync(http))
        {
            return SessionPage.SignIn(sessions.TokenFor(http), to, ("auth.anti_forgery", "The form was too old. Try again."));
        }

        var key = form[KeyField].ToString().Trim();
        if (key.Length > ApiKey.LengthMax || await keys.FindAsync(key) is null)
        {
            return SessionPage.SignIn(sessions.TokenFor(http), to, ("auth.invalid", "The key is unknown, expired or revoked."));
        }

        sessions.Begin(http, key);
        return Results.LocalRedirect(to ?? Path);
    }

    private static async Task<IResult> EndAsync(HttpContext http, BrowserSessions sessions)
    {
        if (await ReadFormAsync(http) is null)
        {
            return NoForm();
        }

        // Who is signed in no more has nothing that another site could take from him.
        if (http.Features.Get<ApiCaller>() is { Session: not null } && !await sessions.IsOfOurPageAsync(http))
        {
            return new ProblemAnswer("auth.anti_forgery", "The form was too old. Open the page again.");
        }

        sessions.End(http);
        return Results.LocalRedirect(Path);
    }

    // It is read before the token is looked for in it, so that what is too large or no form is told as that.
    private static async Task<IFormCollection?> ReadFormAsync(HttpContext http)
    {
        try
        {
            return http.Request.HasFormContentType ? await http.Request.ReadFormAsync(http.RequestAborted) : null;
        }
        catch (Exception exception) when (exception is InvalidDataException or (IOException and not BadHttpRequestException))
        {
            return null;
        }
    }

    private static ProblemAnswer NoForm() => new("request.media_type", $"Send the form of {Path}.");

    // To another site nobody is sent from here.
    private static string? LocalPath(string? path) => path is { Length: > 0 and <= 1_000 } && path[0] == '/' && RedirectHttpResult.IsLocalUrl(path) ? path : null;

    private sealed record FormSize : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => 16 * 1024;
    }
}
