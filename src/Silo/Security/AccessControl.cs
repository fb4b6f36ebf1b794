using System.Net;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Security;

/// <summary>Marks an endpoint that everybody may call.</summary>
public sealed record OpenToAll;

/// <summary>Marks an endpoint that everybody on this machine may call.</summary>
public sealed record OpenOnLoopback;

/// <summary>
/// Marks an endpoint that a caller may call by what was last known of the key while the database is away: it tells of the outage itself,
/// and nothing that a key revoked meanwhile must not see.
/// </summary>
public sealed record OpenToLastKnown;

/// <summary>Marks an endpoint that everybody may call whom <see cref="SiloSettings.SingleNodeOpen"/> lets.</summary>
public sealed record OpenOnSingleNode;

/// <summary>Marks an endpoint whose path does not name its tenant.</summary>
public sealed record OfTenant(string Tenant);

/// <summary>Marks an endpoint with what it demands.</summary>
public sealed record Demands(Permission Permission);

/// <summary>
/// Lets a request through to its endpoint or refuses it. Closed by default: an endpoint that says nothing is answered as if it
/// were not there.
/// </summary>
public sealed class AccessControl(RequestDelegate next, TenantDirectory tenants, SiloSettings settings, BrowserSessions sessions)
{
    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (await RefuseAsync(http) is { } refusal)
        {
            await (refusal.Status == StatusCodes.Status401Unauthorized && SessionEndpoints.SignInBefore(http) is { } signIn ? signIn : refusal).ExecuteAsync(http);
            return;
        }

        await next(http);
    }

    private async ValueTask<ProblemAnswer?> RefuseAsync(HttpContext http)
    {
        var endpoint = http.GetEndpoint();
        if (endpoint?.Metadata.GetMetadata<OpenToAll>() is not null
            || (endpoint?.Metadata.GetMetadata<OpenOnLoopback>() is not null && IsFromThisMachine(http))
            || (endpoint?.Metadata.GetMetadata<OpenOnSingleNode>() is not null && (settings.SingleNodeOpen ?? IsFromThisMachine(http))))
        {
            return null;
        }

        if ((http.Features.Get<ApiCaller>() ?? LastKnown(http, endpoint)) is not { } caller)
        {
            return http.Features.Get<ShownKey>() switch
            {
                ShownKey.Refused => new ProblemAnswer("auth.invalid", "The key is unknown, expired or revoked."),
                ShownKey.Uncertain => Unavailable.Answer(http),
                _ => new ProblemAnswer("auth.missing", "Send a key: Authorization: Bearer <key>."),
            };
        }

        if (endpoint is null)
        {
            return new ProblemAnswer([ProblemStatus.ForBareStatus(StatusCodes.Status404NotFound)], status: StatusCodes.Status404NotFound);
        }

        if (endpoint.Metadata.GetMetadata<Demands>() is not { } demands)
        {
            // Routing's own answer: 405.
            return null;
        }

        return RefuseRole(caller, demands.Permission)
            ?? await RefuseTenantAsync(http, caller)
            ?? RefuseScope(http, caller)
            ?? RefuseNames(http)
            ?? await RefuseForgedAsync(http, caller);
    }

    private static ApiCaller? LastKnown(HttpContext http, Endpoint? endpoint) =>
        endpoint?.Metadata.GetMetadata<OpenToLastKnown>() is null ? null : (http.Features.Get<ShownKey>() as ShownKey.Uncertain)?.LastKnown;

    // A browser sends its cookie for whoever makes it; what only reads may be asked by a link, what changes something by a page of ours alone.
    private async ValueTask<ProblemAnswer?> RefuseForgedAsync(HttpContext http, ApiCaller caller) =>
        caller.Session is null || await sessions.IsOfOurPageAsync(http)
            ? null
            : new ProblemAnswer("auth.anti_forgery", $"What changes something needs, in a browser's session, the anti-forgery token of a page: {BrowserSessions.TokenHeader}.");

    private static ProblemAnswer? RefuseRole(ApiCaller caller, Permission permission) => AccessTable.Allows(caller, permission)
        ? null
        : new ProblemAnswer("auth.role", $"A key of role {caller.Key.Role} may not do this.");

    // A proxy on this machine makes everybody look local; its own header gives it away.
    private static bool IsFromThisMachine(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && !http.Request.Headers.ContainsKey("Forwarded") && !http.Request.Headers.ContainsKey("X-Forwarded-For");

    // Who is not of the installation learns nothing of other tenants, not even whether they exist.
    private async ValueTask<ProblemAnswer?> RefuseTenantAsync(HttpContext http, ApiCaller caller)
    {
        if ((http.GetRouteValue("tenant") ?? http.GetEndpoint()?.Metadata.GetMetadata<OfTenant>()?.Tenant) is not string tenant)
        {
            return null;
        }

        if (caller.Key.Tenant is not null)
        {
            return string.Equals(caller.Key.Tenant, tenant, StringComparison.Ordinal)
                ? null
                : new ProblemAnswer("auth.tenant", "The key belongs to another tenant.");
        }

        if (Names.Check(tenant, "A tenant's name") is { } problem)
        {
            return new ProblemAnswer([problem]);
        }

        return http.GetEndpoint()!.Metadata.GetMetadata<CreatesTenant>() is not null || await tenants.ExistsAsync(tenant)
            ? null
            : new ProblemAnswer("tenant.unknown", $"There is no tenant {tenant}.");
    }

    private static ProblemAnswer? RefuseScope(HttpContext http, ApiCaller caller)
    {
        if (caller.Role is Role.Node or Role.Relay && http.GetRouteValue("fleet") is string fleet && fleet != caller.Key.Fleet)
        {
            return new ProblemAnswer("auth.fleet", "The key acts for another fleet.");
        }

        return caller.Role == Role.Node && http.GetRouteValue("node") is string node && node != caller.Key.Node
            ? new ProblemAnswer("auth.node", "The key acts for another node.")
            : null;
    }

    private static ProblemAnswer? RefuseNames(HttpContext http)
    {
        foreach (var part in (ReadOnlySpan<string>)["fleet", "node", "tag"])
        {
            if (http.GetRouteValue(part) is string name && Names.Check(name, $"A {part}'s name") is { } problem)
            {
                return new ProblemAnswer([problem]);
            }
        }

        return null;
    }
}

/// <summary>Marks the endpoint whose tenant need not exist yet.</summary>
public sealed record CreatesTenant;
