using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace OrleansPolicy.WebApp;

/// <summary>
/// Believes whatever the header <c>X-User: name role role</c> says, so that the example needs no identity provider. In its place stands
/// your <c>AddJwtBearer</c> or whatever you have: the claims are all that the policy sees.
/// </summary>
internal sealed class TrialUsers(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    /// <summary>The scheme's name.</summary>
    public new const string Scheme = "trial";

    /// <inheritdoc/>
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers["X-User"] is not [{ Length: > 0 } user])
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var words = user.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var claims = words.Skip(1).Select(role => new Claim("role", role)).Prepend(new Claim("sub", words[0]));
        var identity = new ClaimsIdentity(claims, Scheme, "sub", "role");
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme)));
    }
}
