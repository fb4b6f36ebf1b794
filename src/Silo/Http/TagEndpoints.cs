using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Tags: movable names for bundles, with their history.</summary>
public static class TagEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapTags(this IEndpointRouteBuilder routes)
    {
        routes.MapPut("/tags/{tag}", MoveAsync)
            .Is(Permission.MoveTags, "Move a tag; takes one admission", "bundle.unknown", "tag.fleet_required", "reason.missing", "admission.refused")
            .Takes<TagRequest>()
            .Gives<TagRecord>();
        routes.MapGet("/tags", ListAsync)
            .Is(Permission.Read, "Every move of every tag, newest first")
            .Gives<TagList>();
    }

    private static async Task<IResult> MoveAsync(string tenant, string tag, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<TagRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (reference, fleet, reason) = request.Value;
        if (RequestRules.Collect(
            RequestRules.CheckRef(reference),
            fleet is null ? null : Names.Check(fleet, "A fleet's name", "$.fleet"),
            Reasons.Check(reason)) is { } refusal)
        {
            return refusal;
        }

        var moved = await http.OnceAsync(caller => grains.GetGrain<ICatalogGrain>(tenant).MoveTagAsync(tag, fleet, reference!, reason!, caller));
        return moved.Succeeded ? moved.Answer() : await moved.RefusalAsync(http, tenant, grains, AdmissionDemand.MoveTag, fleet);
    }

    private static async Task<IResult> ListAsync(string tenant, ICatalogStore catalog, HttpContext http) =>
        Answers.Ok(new TagList(await catalog.ListTagsAsync(tenant, http.RequestAborted)));
}

/// <summary>Where a tag goes.</summary>
/// <param name="Ref">A hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</param>
/// <param name="Fleet">The fleet it belongs to; <c>golden</c> and <c>previous</c> need one.</param>
/// <param name="Reason">Why.</param>
public sealed record TagRequest(string? Ref, string? Fleet, string? Reason);

/// <summary>Moves of tags, newest first.</summary>
public sealed record TagList(ImmutableArray<TagRecord> Tags);
