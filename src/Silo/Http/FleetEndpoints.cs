using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Fleets: the nodes of a tenant that run the same policy.</summary>
public static class FleetEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapFleets(this IEndpointRouteBuilder routes)
    {
        routes.MapPut("/fleets/{fleet}", ConfigureAsync)
            .Is(Permission.ConfigureFleets, "Create a fleet or replace its settings", "fleet.settings_invalid", "rollout.in_flight")
            .Takes<FleetSettings>()
            .Gives<FleetView>();
        routes.MapGet("/fleets", ListAsync)
            .Is(Permission.Read, "List the fleets")
            .Gives<FleetList>();
        routes.MapGet("/fleets/{fleet}", GetAsync)
            .Is(Permission.ReadFleet, "One fleet: settings, node counts, the whole directive", "fleet.unknown")
            .Gives<FleetView>();
        routes.MapGet("/fleets/{fleet}/why", WhyAsync)
            .Is(Permission.Read, "Why the fleet runs what it runs", "fleet.unknown")
            .Gives<WhyView>();
        routes.MapPut("/fleets/{fleet}/baseline", SetBaselineAsync)
            .Is(Permission.ConfigureFleets, "Give the fleet its first bundle, or another one while the whole fleet is disarmed; takes one admission", "fleet.unknown", "fleet.has_baseline", "fleet.armed", "rollout.in_flight", "rollout.fleet_split", "rollout.already_running", "rollout.quarantined", "bundle.unknown", "bundle.expired", "reason.missing", "admission.refused")
            .Takes<BaselineRequest>()
            .Gives<FleetView>();
        routes.MapGet("/fleets/{fleet}/convergence", ConvergenceAsync)
            .Is(Permission.Read, "Who is proven to run a hash, and who is not", "fleet.unknown", "policy_hash.invalid")
            .Gives<Convergence>();
    }

    private static async Task<IResult> ConfigureAsync(string tenant, string fleet, IGrainFactory grains, HttpContext http)
    {
        var settings = await http.ReadAsync<FleetSettings>(optional: true);
        return settings.Succeeded
            ? (await http.OnceAsync(caller => grains.Fleet(tenant, fleet).ConfigureAsync(settings.Value, caller))).Answer(FleetView.Of)
            : settings.Refusal();
    }

    private static async Task<IResult> ListAsync(string tenant, IRolloutStore store, IGrainFactory grains, HttpContext http)
    {
        var stored = await store.ListFleetsAsync(tenant, http.RequestAborted);
        var fleets = await Task.WhenAll(stored.Select(fleet => grains.Fleet(tenant, fleet.Fleet).GetAsync()));
        return Answers.Ok(new FleetList([.. fleets.Where(fleet => fleet.Succeeded).Select(fleet => FleetView.Of(fleet.Value!))]));
    }

    private static async Task<IResult> GetAsync(string tenant, string fleet, IGrainFactory grains) =>
        (await grains.Fleet(tenant, fleet).GetAsync()).Answer(FleetView.Of);

    private static async Task<IResult> WhyAsync(string tenant, string fleet, IRolloutStore store, IGrainFactory grains, HttpContext http) =>
        await store.ReadFleetAsync(tenant, fleet, http.RequestAborted) is not { } stored ? Unknown()
        : (await grains.Fleet(tenant, fleet).GetAsync()).Value is { EpochBehind: { } known } ? Answers.Ok(new WhyView(
            "EPOCH_BEHIND", FleetProblems.EpochBehind, FleetProblems.Behind(known, stored.Directive.Epoch).Message, null, known,
            stored.Directive.Epoch, stored.Directive.CensusAt ?? default, "Raise the epoch."))
        : await store.ListRolloutsAsync(tenant, fleet, 1, http.RequestAborted) is [var latest] ? Answers.Ok(WhyView.Of(latest.Phase, latest.Why))
        : Answers.Ok(new WhyView(
            "NONE", "fleet.no_bundle", "The fleet has no bundle: no node serves.", null, null, null, stored.Directive.CensusAt ?? default, "Set its baseline."));

    private static async Task<IResult> SetBaselineAsync(string tenant, string fleet, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<BaselineRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (reference, reason, whileDisarmed) = request.Value;
        if (RequestRules.Collect(RequestRules.CheckRef(reference), Reasons.Check(reason)) is { } refusal)
        {
            return refusal;
        }

        var set = await http.OnceAsync(caller => grains.Fleet(tenant, fleet).SetBaselineAsync(reference!, reason!, caller, whileDisarmed == true));
        return set.Succeeded ? set.Answer(FleetView.Of) : await set.RefusalAsync(http, tenant, grains, AdmissionDemand.SetBaseline, fleet);
    }

    private static async Task<IResult> ConvergenceAsync(
        string tenant, string fleet, IGrainFactory grains, [Microsoft.AspNetCore.Mvc.FromQuery(Name = "policy_hash")] string? policyHash)
    {
        // Without a hash: the one that the fleet should run.
        if (policyHash is null)
        {
            var known = await grains.Fleet(tenant, fleet).GetAsync();
            if (!known.Succeeded)
            {
                return known.Refusal();
            }

            policyHash = known.Value.Directive.Target ?? "";
        }

        return policyHash.Length == 64 && policyHash.All(char.IsAsciiHexDigitLower)
            ? (await grains.Fleet(tenant, fleet).ConvergenceAsync(policyHash)).Answer()
            : new ProblemAnswer("policy_hash.invalid", "policy_hash is 64 lower-case hexadecimal characters.", "$.policy_hash");
    }

    internal static ProblemAnswer Unknown() => new("fleet.unknown", "The tenant has no such fleet.");
}

/// <summary>A fleet's first bundle.</summary>
/// <param name="Ref">A hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</param>
/// <param name="Reason">Why.</param>
/// <param name="WhileDisarmed">Whether a fleet that has a bundle is given this one instead, all of it at once; only while the whole fleet is disarmed.</param>
public sealed record BaselineRequest(string? Ref, string? Reason, bool? WhileDisarmed);

/// <summary>Fleets by name.</summary>
public sealed record FleetList(ImmutableArray<FleetView> Fleets);
