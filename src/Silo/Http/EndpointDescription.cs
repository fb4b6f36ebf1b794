using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The problem codes that an endpoint answers with besides those of every endpoint; OpenAPI lists them.</summary>
public sealed record ProblemCodes(params string[] Codes);

/// <summary>Says of an endpoint what it demands and what it answers, once, for access control and OpenAPI alike.</summary>
public static class EndpointDescription
{
    private const string ProblemType = "application/problem+json";

    /// <summary>What the endpoint demands of its caller, and what it does in a few words.</summary>
    public static RouteHandlerBuilder Is(this RouteHandlerBuilder endpoint, Permission permission, string summary, params string[] codes) =>
        endpoint
            .WithMetadata(new Demands(permission), new ProblemCodes(codes))
            .WithSummary(summary)
            .WithDescription(Describe(permission, codes))
            .ProducesEach([.. codes.Select(ProblemStatus.Of).Append(401).Append(403).Distinct().Order()]);

    /// <summary>The shape of the body it takes, how large that may be, and in which forms besides JSON it may come.</summary>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint, BodyLimit? limit = null, params string[] alsoAs)
        where T : notnull =>
        endpoint.Accepts<T>("application/json", alsoAs).WithMetadata(limit ?? BodyLimit.Default).Produces(413, null, ProblemType);

    /// <summary>
    /// The same for a call that may be open: routing refuses a body of another type before it is known whose call it is, so that the
    /// answer would speak of a missing key. Reading the body refuses it as well, and says so.
    /// </summary>
    public static RouteHandlerBuilder TakesOpenly<T>(this RouteHandlerBuilder endpoint, BodyLimit? limit = null)
        where T : notnull =>
        endpoint.Accepts<T>("application/json", "*/*").WithMetadata(limit ?? BodyLimit.Default).Produces(413, null, ProblemType);

    /// <summary>The shape of what it answers.</summary>
    public static RouteHandlerBuilder Gives<T>(this RouteHandlerBuilder endpoint, int status = StatusCodes.Status200OK) =>
        endpoint.Produces<T>(status);

    private static RouteHandlerBuilder ProducesEach(this RouteHandlerBuilder endpoint, IEnumerable<int> statuses)
    {
        foreach (var status in statuses)
        {
            endpoint.Produces(status, null, ProblemType);
        }

        return endpoint;
    }

    private static string Describe(Permission permission, string[] codes)
    {
        var roles = Enum.GetValues<Role>().Where(role => AccessTable.Allows(role, permission)).Select(role => role.ToString().ToLowerInvariant());
        var who = string.Join(", ", roles.DefaultIfEmpty("installation admin"));
        return codes.Length == 0 ? $"Roles: {who}." : $"Roles: {who}. Problem codes: {string.Join(", ", codes)}.";
    }
}
