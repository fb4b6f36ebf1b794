using System.Collections.Immutable;
using System.Text.Json.Nodes;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Http;

/// <summary>Marks an endpoint with the code of its answer while the database cannot be reached.</summary>
/// <param name="Code">The code; 503.</param>
/// <param name="Denies">Whether the answer says <c>allowed: false</c>, so that who reads only that fails closed.</param>
public sealed record UnavailableAs(string Code, bool Denies = false);

/// <summary>The answer while the database cannot be reached.</summary>
public static class Unavailable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>503 with the endpoint's own code, else <c>store.unavailable</c>.</summary>
    public static ProblemAnswer Answer(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        var own = http.GetEndpoint()?.Metadata.GetMetadata<UnavailableAs>();
        var problem = new Problem(
            own?.Code ?? CommonCodes.StoreUnavailable, "The database cannot be reached now. Whether the request took effect is unknown: repeat it with the same Idempotency-Key.");
        return new ProblemAnswer([problem], RetryAfter, own is { Denies: true } ? new JsonObject { ["allowed"] = false } : null);
    }

    /// <summary>
    /// What failed as if the database were away is told as <c>store.unwritable</c> where it was a change, and the database answers
    /// but takes no writes: who reads it looks for room on a disk instead of for a server.
    /// </summary>
    internal static ImmutableArray<Problem> Explain(HttpContext http, ImmutableArray<Problem> problems) =>
        problems[0].Code == CommonCodes.StoreUnavailable
        && !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method)
        && http.RequestServices.GetService<WriteHealth>() is { IsRefused: true }
            ? [new Problem(WriteHealth.UnwritableCode, "The database takes no writes now, as with a full disk; /readyz tells when it does. Then repeat the request with the same Idempotency-Key.")]
            : problems;
}
