using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The audit chain, read and verified.</summary>
public static class AuditEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapAudit(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/audit", ReadAsync)
            .Is(Permission.Read, "Entries after a number, in order; or, with before, subject, actor, since, until or newest, those that fit, newest first", "request.limit", "request.after")
            .Gives<AuditPage>();
        routes.MapGet("/audit/verify", VerifyAsync)
            .Is(Permission.Read, "Check the whole chain")
            .Gives<AuditVerification>();
    }

    private static async Task<IResult> ReadAsync(
        string tenant, IAuditStore audit, HttpContext http, long? after = null, int limit = 100,
        long? before = null, string? subject = null, string? actor = null, DateTimeOffset? since = null, DateTimeOffset? until = null, bool newest = false)
    {
        var filter = new AuditFilter { Before = before, Subject = subject, Actor = actor, Since = since, Until = until };
        var isFiltered = newest || filter != new AuditFilter();
        if (RequestRules.Collect(
            RequestRules.CheckLimit(limit, IAuditGrain.ReadLimitMax),
            after is null or >= 0 ? null : new Problem("request.after", "after is a sequence number, 0 or above.", "$.after"),
            after is null || !isFiltered ? null : new Problem("request.after", "after reads the chain in order, and goes with limit alone.", "$.after")) is { } refusal)
        {
            return refusal;
        }

        var entries = isFiltered
            ? await audit.FindAsync(tenant, filter, limit, http.RequestAborted)
            : await audit.ReadAsync(tenant, after ?? 0, limit, subject: null, http.RequestAborted);
        var head = await audit.ReadHeadAsync(tenant, http.RequestAborted);
        return Answers.Ok(new AuditPage([.. entries.Select(AuditEntryView.Of)], head));
    }

    // Not by the grain: a long chain takes longer than a call to one may, and the reading ends when who asked leaves.
    private static async Task<IResult> VerifyAsync(string tenant, IAuditStore audit, HttpContext http) =>
        Answers.Ok(await WholeChain.VerifyAsync(audit, tenant, http.RequestAborted));
}

/// <summary>A page of the chain, and where the chain ends.</summary>
public sealed record AuditPage(ImmutableArray<AuditEntryView> Entries, AuditHead Head);

/// <summary>An entry, flat: the members of what happened beside its place in the chain.</summary>
public sealed record AuditEntryView(
    long Seq, DateTimeOffset At, string Actor, string Action, string Subject, string? Code, string? StageId, decimal? TargetPercentage,
    ImmutableSortedDictionary<string, double>? Metrics, double? HourSeconds, string? Reason, string? Interface,
    ImmutableSortedDictionary<string, string>? Detail, string PrevHash, string Hash)
{
    internal static AuditEntryView Of(AuditEntry entry)
    {
        var draft = entry.Draft;
        return new AuditEntryView(
            entry.Seq, draft.At, draft.Actor, draft.Action, draft.Subject, draft.Code, draft.StageId, draft.TargetPercentage, draft.Metrics,
            draft.HourSeconds, draft.Reason, draft.Interface, draft.Detail, entry.PrevHash, entry.Hash);
    }
}
