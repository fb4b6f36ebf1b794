using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The trust root: whose signatures count.</summary>
public static class TrustEndpoints
{
    private static readonly BodyLimit RootLimit = new(256 * 1024);

    /// <summary>Maps them.</summary>
    public static void MapTrust(this IEndpointRouteBuilder routes)
    {
        routes.MapPut("/trust", SetAsync)
            .Is(Permission.ManageTrust, "Set the first trust root or, signed by old and new, the next", "trust.invalid", "trust.locked", "trust.affects_fleets")
            .Takes<TrustRoot>(RootLimit)
            .Gives<TrustRoot>();
        routes.MapGet("/trust", (string tenant, ICatalogStore catalog, HttpContext http) => GetAsync(tenant, null, catalog, http))
            .Is(Permission.ReadPolicy, "The trust root in force", "trust.unknown")
            .Gives<TrustRoot>();
        routes.MapGet("/trust/{version:int}", (string tenant, int version, ICatalogStore catalog, HttpContext http) => GetAsync(tenant, version, catalog, http))
            .Is(Permission.ReadPolicy, "One version of the trust root, for following the chain", "trust.unknown")
            .Gives<TrustRoot>();
    }

    private static async Task<IResult> SetAsync(string tenant, IGrainFactory grains, HttpContext http)
    {
        var root = await http.ReadAsync<TrustRoot>();
        return root.Succeeded
            ? (await http.OnceAsync(caller => grains.GetGrain<ICatalogGrain>(tenant).SetTrustAsync(root.Value, http.AcceptsAffected(), caller))).Answer()
            : root.Refusal();
    }

    // Asked for apart from the root: who signs it need not know which fleets run what.
    private static bool AcceptsAffected(this HttpContext http) => http.Request.Query["accept_affected"] is ["true" or "1"];

    private static async Task<IResult> GetAsync(string tenant, int? version, ICatalogStore catalog, HttpContext http) =>
        await catalog.ReadTrustRootAsync(tenant, version, http.RequestAborted) is { } root
            ? Answers.Ok(JsonElement.Parse(root.Document))
            : new ProblemAnswer("trust.unknown", "The tenant has no such trust root.");
}
