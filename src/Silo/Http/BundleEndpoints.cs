using System.Collections.Immutable;
using System.Runtime.InteropServices;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Bundles: published once, never changed, read back byte for byte.</summary>
public static class BundleEndpoints
{
    /// <summary>A bundle file.</summary>
    internal static readonly BodyLimit FileLimit = new(BundleLimits.SizeBytesMax, "bundle.too_large");

    private const int ListMax = 1_000;

    /// <summary>Maps them.</summary>
    public static void MapBundles(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/bundles", PublishAsync)
            .Is(Permission.Publish, "Publish a signed bundle; takes one admission", "bundle.malformed", "bundle.unsigned", "bundle.version_taken", "bundle.too_large", "admission.refused")
            .Takes<object>(FileLimit)
            .Gives<PublishedView>(StatusCodes.Status201Created)
            .Gives<PublishedView>();
        routes.MapPost("/bundles/verify", VerifyAsync)
            .Is(Permission.Read, "Verify a bundle without storing it", "bundle.malformed", "bundle.too_large")
            .Takes<object>(FileLimit)
            .Gives<BundleVerdict>();
        routes.MapGet("/bundles", ListAsync)
            .Is(Permission.Read, "List the bundles, newest first", "request.limit")
            .Gives<BundleList>();
        routes.MapGet("/bundles/{reference}", GetAsync)
            .Is(Permission.ReadPolicy, "One bundle by hash, version, tag:NAME or tag:NAME@FLEET", "bundle.unknown")
            .Gives<BundleRecord>();
        routes.MapGet("/bundles/{reference}/content", GetContentAsync)
            .Is(Permission.ReadPolicy, "The bundle as published, byte for byte", "bundle.unknown")
            .Gives<object>();
    }

    /// <summary>Whether unknown fields are refused: the request's own wish.</summary>
    internal static bool IsStrict(this HttpContext http) => http.Request.Query["strict"] is ["true" or "1"];

    private static async Task<IResult> PublishAsync(string tenant, IGrainFactory grains, HttpContext http)
    {
        var content = await http.ReadBytesAsync();
        if (!content.Succeeded)
        {
            return content.Refusal();
        }

        var published = await http.OnceAsync(caller =>
            grains.GetGrain<ICatalogGrain>(tenant).PublishAsync(ToImmutable(content.Value), http.IsStrict(), caller));
        return published.Succeeded
            ? new JsonAnswer(
                PublishedView.Of(published.Value.Bundle),
                published.Value.Existed ? StatusCodes.Status200OK : StatusCodes.Status201Created,
                ("Location", $"/v1/{tenant}/bundles/{published.Value.Bundle.PolicyHash}"))
            : await published.RefusalAsync(http, tenant, grains, AdmissionDemand.PublishBundle);
    }

    private static async Task<IResult> VerifyAsync(string tenant, ICatalogStore catalog, HttpContext http)
    {
        var content = await http.ReadBytesAsync();
        return content.Succeeded
            ? (await BundleVerdicts.JudgeAsync(tenant, content.Value, http.IsStrict(), catalog, http.RequestAborted)).Answer()
            : content.Refusal();
    }

    private static async Task<IResult> ListAsync(string tenant, ICatalogStore catalog, HttpContext http, int limit = 100) =>
        limit is >= 1 and <= ListMax
            ? Answers.Ok(new BundleList(await catalog.ListBundlesAsync(tenant, limit, http.RequestAborted)))
            : new ProblemAnswer("request.limit", $"The limit is 1 to {ListMax}.", "$.limit");

    private static async Task<IResult> GetAsync(string tenant, string reference, ICatalogStore catalog, HttpContext http) =>
        await catalog.FindBundleAsync(tenant, reference, http.RequestAborted) is { } bundle
            ? new JsonAnswer(bundle, StatusCodes.Status200OK, ("ETag", $"\"{bundle.PolicyHash}\""))
            : Unknown(reference);

    private static async Task<IResult> GetContentAsync(string tenant, string reference, ICatalogStore catalog, HttpContext http)
    {
        if (await catalog.FindBundleAsync(tenant, reference, http.RequestAborted) is not { } bundle)
        {
            return Unknown(reference);
        }

        // Content never changes under its hash, so whoever shows the hash has it.
        var tag = $"\"{bundle.PolicyHash}\"";
        if (http.Request.Headers.IfNoneMatch.Any(shown => shown?.Split(',').Any(one => one.Trim() == tag) == true))
        {
            http.Response.Headers.ETag = tag;
            return Results.StatusCode(StatusCodes.Status304NotModified);
        }

        return await catalog.ReadContentAsync(tenant, bundle.PolicyHash, http.RequestAborted) is { } content
            ? Results.Bytes(ImmutableCollectionsMarshal.AsArray(content)!, "application/json", entityTag: new(tag))
            : Unknown(reference);
    }

    internal static ProblemAnswer Unknown(string reference) =>
        new("bundle.unknown", $"There is no bundle '{(reference.Length <= 200 ? reference : reference[..200])}'.");

    private static ImmutableArray<byte> ToImmutable(ReadOnlyMemory<byte> bytes) => [.. bytes.Span];
}

/// <summary>What publishing answers.</summary>
public sealed record PublishedView(string Version, string PolicyHash, string? DocumentHash, string BundleId, int Rules, string State)
{
    internal static PublishedView Of(BundleRecord bundle) =>
        new(bundle.Version, bundle.PolicyHash, bundle.DocumentHash, bundle.BundleId, bundle.Rules, bundle.State);
}

/// <summary>Bundles, newest first.</summary>
public sealed record BundleList(ImmutableArray<BundleRecord> Bundles);
