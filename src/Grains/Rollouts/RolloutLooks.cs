using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>What follows from looking at a rollout's fleet now. The same for whoever looks: the rollout's grain, or a scanner in its place.</summary>
internal sealed class RolloutLooks(
    IRolloutStore store, IGrainFactory grains, RolloutChanges changes, TenantRestraints restraints, IMetricQueries queries, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    /// <summary>Asks the fleet for what the rollout wants to know, and tells it what configured queries said: it knows since when a trigger fires.</summary>
    public Task<Outcome<FleetObservation>> ObserveAsync(RolloutState state, CensusSource census, DateTimeOffset? durableAt)
    {
        var watch = changes.Watch(state, durableAt) with { Queried = queries.Read(RolloutDecider.Queries(state)) };
        return grains.Fleet(state.Tenant, state.Fleet).ObserveAsync(watch, census);
    }

    /// <summary>Looks and decides.</summary>
    public async Task<Outcome<Looked>> DecideAsync(RolloutState state, DateTimeOffset? durableAt)
    {
        var wants = changes.WantsCensus(state) ? CensusSource.Known : CensusSource.None;
        var seen = await ObserveAsync(state, wants, durableAt);
        if (!seen.Succeeded)
        {
            return seen.As<Looked>();
        }

        // The way back asks nobody whether it may be taken, so it waits for no row that says so.
        var known = restraints.Known(state.Tenant);
        var looked = Decide(state, seen.Value, durableAt, known ?? HeldRestraints.None);
        if (!looked.Succeeded || looked.Value.Change is { After: not { Phase: RolloutPhase.Active, Return: null }, GoesForward: false })
        {
            return looked;
        }

        if (known is null)
        {
            looked = Decide(state, seen.Value, durableAt, await restraints.KnowAsync(state.Tenant));
        }

        if (looked is not { Succeeded: true, Value.Change.GoesForward: true })
        {
            return looked;
        }

        // It goes forward. A stage is cut from the rows themselves, and all of it decided again on what they say.
        if (wants == CensusSource.Known)
        {
            seen = await ObserveAsync(state, CensusSource.Stored, durableAt);
        }

        if (!seen.Succeeded)
        {
            return seen.As<Looked>();
        }

        var held = await restraints.ReadAsync(state.Tenant);
        var decided = Decide(state, seen.Value, durableAt, held);
        return decided.Succeeded ? Outcome<Looked>.Ok(decided.Value with { Change = decided.Value.Change.RestingOn(held) }) : decided;
    }

    /// <summary>
    /// Looks at an open way back without the fleet's grain: nobody has been heard, so that only time settles anything. It settles
    /// everything in the end: nobody holds a lease any more.
    /// </summary>
    public async Task<Outcome<Looked>> DecideFromStoreAsync(RolloutState state)
    {
        if (await store.ReadFleetAsync(state.Tenant, state.Fleet) is not { } fleet)
        {
            return Outcome<Looked>.Fail("fleet.unknown", $"There is no fleet '{state.Fleet}'.");
        }

        var nodes = await store.ListNodesAsync(state.Tenant, state.Fleet);
        var now = clock.GetUtcNow();
        var registry = new FleetRegistry("", fleet.Directive, now);
        registry.Apply(nodes, [], now);
        if (Lease.FenceAfterMax(fleet.Settings) is { } fenceAfter)
        {
            registry.Remember(await store.ListLeftAsync(state.Tenant, state.Fleet, (state.Return?.DetectedAt ?? now) - fenceAfter));
        }

        return Decide(state, registry.ObserveAt(fleet.Settings, changes.Watch(state, null), withCensus: false, now), null, HeldRestraints.None);
    }

    private Outcome<Looked> Decide(RolloutState state, FleetObservation seen, DateTimeOffset? durableAt, HeldRestraints held)
    {
        var decided = changes.Decide(state, new RolloutCommand.Observe(seen, durableAt) { Restraints = held.Restraints, Waivers = held.Waivers }, seen);
        return decided.Succeeded ? Outcome<Looked>.Ok(new Looked(decided.Value, seen)) : decided.As<Looked>();
    }
}

/// <summary>What was seen, and what follows from it.</summary>
internal sealed record Looked(DecidedChange Change, FleetObservation Seen);
