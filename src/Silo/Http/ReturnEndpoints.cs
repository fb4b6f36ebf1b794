using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The way back of a whole fleet, what it is not offered again after one, and the way out of a database from an older backup.</summary>
public static class ReturnEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapReturns(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/fleets/{fleet}/rollback", RollBackAsync)
            .Is(Permission.Operate, "Bring the whole fleet at once to a bundle it ran before; takes no admission", "fleet.unknown", "fleet.epoch_behind", "bundle.unknown", "bundle.expired", "rollout.no_fallback", "rollout.in_flight", "rollout.never_complete", "rollout.quarantined", "rollout.already_running", "reason.missing")
            .Takes<FastTrackRequest>()
            .Gives<RolloutView>(StatusCodes.Status202Accepted)
            .WithMetadata(new NeverLimited());
        routes.MapGet("/fleets/{fleet}/quarantine", ListAsync)
            .Is(Permission.Read, "What the fleet is not offered again", "fleet.unknown")
            .Gives<QuarantineList>();
        routes.MapPost("/fleets/{fleet}/quarantine/{hash}/release", ReleaseAsync)
            .Is(Permission.Operate, "Let the fleet be offered a bundle again", "fleet.unknown", "quarantine.unknown", "reason.missing")
            .Takes<ReasonRequest>()
            .Gives<QuarantinedBundle>();
        routes.MapPost("/fleets/{fleet}/epoch", RaiseEpochAsync)
            .Is(Permission.RaiseEpochs, "Say the same under a higher epoch, after nodes reported a higher one than is stored", "fleet.unknown", "fleet.epoch_invalid", "reason.missing")
            .Takes<EpochRequest>()
            .Gives<FleetView>();
    }

    private static async Task<IResult> RaiseEpochAsync(string tenant, string fleet, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<EpochRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (epoch, reason) = request.Value;
        return Reasons.Check(reason) is { } problem
            ? new ProblemAnswer([problem])
            : (await http.OnceAsync(caller => grains.Fleet(tenant, fleet).RaiseEpochAsync(epoch, reason!, caller))).Answer(FleetView.Of);
    }

    private static async Task<IResult> RollBackAsync(string tenant, string fleet, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<FastTrackRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (reference, allowExpired, reason) = request.Value;
        if (RequestRules.Collect(
            Names.Check(fleet, "A fleet's name", "$.fleet"),
            reference is null ? null : RequestRules.CheckRef(reference),
            Reasons.Check(reason)) is { } refusal)
        {
            return refusal;
        }

        var id = Guid.CreateVersion7().ToString("N");
        var asked = new FastTrackFleet(fleet, reference, allowExpired, reason!);
        var begun = await http.OnceAsync(caller => grains.Rollout(tenant, id).FastTrackAsync(asked, caller));
        return begun.Succeeded
            ? new JsonAnswer(begun.Value, StatusCodes.Status202Accepted, ("Location", $"/v1/{tenant}/rollouts/{begun.Value.RolloutId}"))
            : begun.Refusal();
    }

    private static async Task<IResult> ListAsync(string tenant, string fleet, IRolloutStore store, HttpContext http) =>
        await store.ReadFleetAsync(tenant, fleet, http.RequestAborted) is null
            ? FleetEndpoints.Unknown()
            : Answers.Ok(new QuarantineList(await store.ListQuarantineAsync(tenant, fleet, http.RequestAborted)));

    private static async Task<IResult> ReleaseAsync(string tenant, string fleet, string hash, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<ReasonRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        return Reasons.Check(request.Value.Reason) is { } problem
            ? new ProblemAnswer([problem])
            : (await http.OnceAsync(caller => grains.Fleet(tenant, fleet).ReleaseAsync(hash, request.Value.Reason!, caller))).Answer();
    }
}

/// <summary>A fleet's epoch to raise.</summary>
/// <param name="Epoch">Above all that the fleet and its nodes know.</param>
/// <param name="Reason">Why.</param>
public sealed record EpochRequest(long Epoch, string? Reason);

/// <summary>A fleet to bring back at once.</summary>
/// <param name="Ref">The bundle; by default the last good one.</param>
/// <param name="AllowExpired">Whether a bundle is taken that has expired.</param>
/// <param name="Reason">Why.</param>
public sealed record FastTrackRequest(string? Ref, bool AllowExpired, string? Reason);

/// <summary>What a fleet is not offered, newest first.</summary>
public sealed record QuarantineList(ImmutableArray<QuarantinedBundle> Quarantine);
