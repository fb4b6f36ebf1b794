using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Waivers: leave to roll out without stages or in spite of freeze windows, given by two people to a third.</summary>
public static class WaiverEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapWaivers(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/waivers", RequestAsync)
            .Is(Permission.Operate, "Ask for leave to roll out without stages, or in spite of freeze windows", "waiver.rule", "waiver.expires_at", "fleet.unknown", "bundle.unknown", "reason.missing", Names.InvalidCode, "ref.invalid")
            .Takes<WaiverRequest>()
            .Gives<WaiverView>(StatusCodes.Status201Created);
        routes.MapGet("/waivers", ListAsync)
            .Is(Permission.Read, "Waivers, newest first")
            .Gives<WaiverList>();
        routes.MapGet("/waivers/{waiver}", GetAsync)
            .Is(Permission.Read, "One waiver", "waiver.unknown")
            .Gives<WaiverView>();
        routes.MapPost("/waivers/{waiver}/approve", ApproveAsync)
            .Is(Permission.Approve, "Approve it; two people do who did not ask for it", "waiver.unknown", "waiver.state", "waiver.same_person", "reason.missing")
            .Takes<ReasonRequest>()
            .Gives<WaiverView>();
        routes.MapDelete("/waivers/{waiver}", RevokeAsync)
            .Is(Permission.Operate, "Take it back; what was started under it goes on", "waiver.unknown", "waiver.state")
            .Gives<WaiverView>();
    }

    private static async Task<IResult> RequestAsync(
        string tenant, IRolloutStore store, ICatalogStore catalog, ControlWrites controls, HttpContext http)
    {
        var request = await http.ReadAsync<WaiverRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (fleet, reference, rule, reason, expiresAt) = request.Value;
        if (RequestRules.Collect(
            Names.Check(fleet, "A fleet's name", "$.fleet"),
            reference is null ? null : RequestRules.CheckRef(reference),
            Reasons.Check(reason)) is { } refusal)
        {
            return refusal;
        }

        if (await store.ReadFleetAsync(tenant, fleet!, http.RequestAborted) is null)
        {
            return new ProblemAnswer("fleet.unknown", $"There is no fleet '{fleet}'.");
        }

        var bundle = reference is null ? null : await catalog.FindBundleAsync(tenant, reference, http.RequestAborted);
        if (reference is not null && bundle is null)
        {
            return new ProblemAnswer("bundle.unknown", $"There is no bundle '{reference}'.");
        }

        var by = http.ApiCaller().Actor;
        var id = Guid.CreateVersion7().ToString("N");
        var requested = await controls.WriteAsync<Waiver>(http, tenant, ControlKinds.Waiver, id, StatusCodes.Status201Created, (_, now) =>
        {
            var waiver = WaiverRules.Request(new Waiver
            {
                WaiverId = id,
                Fleet = fleet!,
                PolicyHash = bundle?.PolicyHash,
                Rule = rule ?? "",
                Reason = reason!,
                RequestedBy = by,
                RequestedAt = now,
                ExpiresAt = expiresAt ?? now,
            });
            return waiver.Succeeded
                ? ControlChange<Waiver>.Of(
                    waiver.Value, by, "waiver.requested", Subject(waiver.Value), reason, now,
                    ("rule", rule), ("expires_at", Text(waiver.Value.ExpiresAt)), ("policy_hash", bundle?.PolicyHash))
                : waiver.As<ControlChange<Waiver>>();
        });
        return requested.Succeeded
            ? new JsonAnswer(
                View(requested.Value, requested.Value.RequestedAt), StatusCodes.Status201Created, ("Location", $"/v1/{tenant}/waivers/{requested.Value.WaiverId}"))
            : requested.Refusal();
    }

    private static async Task<IResult> ListAsync(
        string tenant, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http)
    {
        var stored = await store.ListControlsAsync(tenant, ControlKinds.Waiver, null, http.RequestAborted);
        var now = time.GetUtcNow();
        return Answers.Ok(new WaiverList([.. stored.Select(control => View(control.Read<Waiver>(), now))]));
    }

    private static async Task<IResult> GetAsync(
        string tenant, string waiver, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        (await store.ListControlsAsync(tenant, ControlKinds.Waiver, waiver, http.RequestAborted)).FirstOrDefault() is { } stored
            ? Answers.Ok(View(stored.Read<Waiver>(), time.GetUtcNow()))
            : new ProblemAnswer([Unknown()]);

    private static async Task<IResult> ApproveAsync(string tenant, string waiver, ControlWrites controls, HttpContext http)
    {
        var request = await http.ReadAsync<ReasonRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        if (Reasons.Check(request.Value.Reason) is { } problem)
        {
            return new ProblemAnswer([problem]);
        }

        var (by, reason) = (http.ApiCaller().Actor, request.Value.Reason!);
        return await ChangeAsync(controls, http, tenant, waiver, (known, now) => WaiverRules.Approve(known, by, reason, now), "waiver.approved", reason);
    }

    private static Task<IResult> RevokeAsync(string tenant, string waiver, ControlWrites controls, HttpContext http)
    {
        var by = http.ApiCaller().Actor;
        return ChangeAsync(controls, http, tenant, waiver, (known, now) => WaiverRules.Revoke(known, by, now), "waiver.revoked", null);
    }

    private static async Task<IResult> ChangeAsync(
        ControlWrites controls, HttpContext http, string tenant, string id, Func<Waiver, DateTimeOffset, Outcome<Waiver>> change, string action, string? reason)
    {
        var by = http.ApiCaller().Actor;
        var at = DateTimeOffset.MinValue;
        var changed = await controls.WriteAsync<Waiver>(http, tenant, ControlKinds.Waiver, id, StatusCodes.Status200OK, (known, now) =>
        {
            at = now;
            var after = known is null ? Outcome<Waiver>.Fail([Unknown()]) : change(known, now);
            return after.Succeeded
                ? ControlChange<Waiver>.Of(
                    after.Value, by, action, Subject(after.Value), reason, now,
                    ("approvals", after.Value.Approvals.Length.ToString(CultureInfo.InvariantCulture)), ("requested_by", after.Value.RequestedBy.Subject))
                : after.As<ControlChange<Waiver>>();
        });
        return changed.Answer(waiver => View(waiver, at));
    }

    private static WaiverView View(Waiver waiver, DateTimeOffset now) => new(
        waiver.WaiverId, waiver.StateAt(now), waiver.Fleet, waiver.PolicyHash, waiver.Rule, waiver.Reason, waiver.RequestedBy.Subject, waiver.RequestedAt,
        waiver.ExpiresAt, [.. waiver.Approvals.Select(approval => new WaiverApprovalView(approval.By.Subject, approval.Reason, approval.At))],
        waiver.RevokedBy?.Subject, waiver.RevokedAt);

    private static Problem Unknown() => new(WaiverRules.UnknownCode, "There is no such waiver.");

    private static string Subject(Waiver waiver) => $"fleets/{waiver.Fleet}/waivers/{waiver.WaiverId}";

    private static string Text(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>A request for a waiver.</summary>
/// <param name="Fleet">The fleet it is for.</param>
/// <param name="Ref">The one bundle it is for; null: any.</param>
/// <param name="Rule"><c>multi_stage</c>, <c>backtest</c> or <c>freeze_window</c>.</param>
/// <param name="Reason">Why.</param>
/// <param name="ExpiresAt">Until when, at most 90 days from now.</param>
public sealed record WaiverRequest(string? Fleet, string? Ref, string? Rule, string? Reason, DateTimeOffset? ExpiresAt);

/// <summary>A waiver for a reader.</summary>
public sealed record WaiverView(
    string WaiverId, WaiverState State, string Fleet, string? PolicyHash, string Rule, string Reason, string RequestedBy, DateTimeOffset RequestedAt,
    DateTimeOffset ExpiresAt, ImmutableArray<WaiverApprovalView> Approvals, string? RevokedBy, DateTimeOffset? RevokedAt);

/// <summary>An approval for a reader.</summary>
public sealed record WaiverApprovalView(string By, string Reason, DateTimeOffset At);

/// <summary>Waivers, newest first.</summary>
public sealed record WaiverList(ImmutableArray<WaiverView> Waivers);
