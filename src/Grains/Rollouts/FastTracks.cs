using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Catalog;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>What a fast-track would be. Reads the truth alone, so that it needs no other grain; writes nothing.</summary>
internal sealed class FastTracks(
    IRolloutStore store,
    StartableBundles bundles,
    RolloutChanges changes,
    IOptions<RolloutOptions> options,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    // A fleet that had more bundles than this names an older one by its hash no more; the newest thousand are offered.
    private const int ProvenMax = 1_000;

    // Enough to find the one that is not final: there is at most one.
    private const int RecentRollouts = 10;

    /// <summary>Decides it, together with the end of what is in flight.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="rolloutId">The id of its record.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="acceptedAt">When it was accepted.</param>
    /// <param name="caller">Who asks.</param>
    public async Task<Outcome<DecidedChange>> DecideAsync(
        string tenant, string rolloutId, FastTrackFleet request, DateTimeOffset acceptedAt, Caller caller)
    {
        if (await store.ReadFleetAsync(tenant, request.Fleet) is not { } fleet)
        {
            return Outcome<DecidedChange>.Fail("fleet.unknown", $"There is no fleet '{request.Fleet}'.", "$.fleet");
        }

        if (request.Leaving is { } leaving && fleet.Directive.Target != leaving)
        {
            return Outcome<DecidedChange>.Fail(RolloutProblems.MovedOn, $"The fleet runs another bundle by now than {leaving}.", "$.fleet");
        }

        var inFlight = await FindInFlightAsync(tenant, request.Fleet);
        if (request.Ref is null && inFlight is { Return.IsOpen: true })
        {
            // Two people who press the same button, or one and a trigger, must not bring the fleet back twice as far.
            var (what, target) = inFlight.Kind == RolloutKind.FastTrack ? ("Fast-track", inFlight.Target) : ("The way back of rollout", inFlight.Fallback);
            return Outcome<DecidedChange>.Fail(
                "rollout.in_flight", $"{what} {inFlight.RolloutId} is bringing the fleet to {target}: name a ref to go elsewhere.", "$.ref");
        }

        var found = await FindAsync(tenant, fleet, request);
        if (!found.Succeeded)
        {
            return found.As<DecidedChange>();
        }

        var decided = changes.Decide(
            null,
            new RolloutCommand.FastTrack(
                tenant, rolloutId, request.Fleet, found.Value.PolicyHash, request.Reason, caller.By, options.Value.HourSeconds, fleet.Directive,
                acceptedAt),
            null);
        if (!decided.Succeeded || inFlight is null)
        {
            return decided;
        }

        var ended = changes.Decide(
            inFlight, new RolloutCommand.Supersede(caller.By, request.Reason, rolloutId, decided.Value.After.Epoch), null);
        return ended.Succeeded ? Outcome<DecidedChange>.Ok(decided.Value with { Superseded = ended.Value }) : ended;
    }

    private async Task<RolloutState?> FindInFlightAsync(string tenant, string fleet) =>
        (await store.ListRolloutsAsync(tenant, fleet, RecentRollouts)).FirstOrDefault(rollout => !rollout.IsFinal);

    private async Task<Outcome<BundleRecord>> FindAsync(string tenant, StoredFleet fleet, FastTrackFleet request)
    {
        var proven = await store.ListProvenAsync(tenant, fleet.Fleet, ProvenMax);
        var quarantined = (await store.ListQuarantineAsync(tenant, fleet.Fleet)).Select(bundle => bundle.PolicyHash).ToHashSet(StringComparer.Ordinal);
        if (request.Ref is null && LastGood(fleet.Directive, proven, quarantined) is null)
        {
            return Outcome<BundleRecord>.Fail(
                RolloutProblems.NeverComplete, "The whole fleet ran no bundle before this one that is not in quarantine.", "$.ref");
        }

        var reference = request.Ref ?? LastGood(fleet.Directive, proven, quarantined)!;
        var found = await bundles.FindForReturnAsync(tenant, reference, request.AllowExpired, clock.GetUtcNow());
        return !found.Succeeded ? found
            : quarantined.Contains(found.Value.PolicyHash) ? Outcome<BundleRecord>.Fail(
                RolloutProblems.Quarantined, $"The fleet is not offered {reference} again until it is released from quarantine.", "$.ref")
            : !proven.Contains(found.Value.PolicyHash) ? Outcome<BundleRecord>.Fail(
                RolloutProblems.NeverComplete, $"The whole fleet never ran {reference}.", "$.ref")
            : found;
    }

    // What the fleet is split over goes back to its fallback; a fleet at rest to what it ran as a whole before this.
    private static string? LastGood(Directive directive, IReadOnlyList<string> proven, HashSet<string> quarantined)
    {
        if (!directive.AtRest && directive.Fallback is { } fallback)
        {
            return fallback;
        }

        var current = proven.ToList().IndexOf(directive.Target ?? "");
        return proven.Skip(current + 1).FirstOrDefault(hash => hash != directive.Target && !quarantined.Contains(hash));
    }
}
