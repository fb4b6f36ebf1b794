using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>What tenants hold back, read for those who look at their rollouts.</summary>
internal sealed class TenantRestraints(IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    // Every rollout of a tenant looks every other second: together they ask once a second.
    private static readonly TimeSpan KnownFor = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, (HeldRestraints Held, long ReadAt)> _known = new(StringComparer.Ordinal);

    /// <summary>What is true now, with what a change that rests on it must find unchanged.</summary>
    public async Task<HeldRestraints> ReadAsync(string tenant)
    {
        var readAt = clock.GetTimestamp();
        var stored = (await store.ListControlsAsync(tenant, ControlKinds.Restraints, ControlKinds.OfTenant)).FirstOrDefault();
        var held = new HeldRestraints(
            stored?.Read<Restraints>() ?? Restraints.None, new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, stored?.Revision ?? 0));
        _known[tenant] = (held, readAt);
        return held;
    }

    /// <summary>
    /// What was true at most a second ago, or when the store last answered: enough to say why a rollout stands still, not to let it go on.
    /// </summary>
    public async Task<Restraints> KnowAsync(string tenant)
    {
        var isKnown = _known.TryGetValue(tenant, out var known);
        if (isKnown && clock.GetElapsedTime(known.ReadAt) < KnownFor)
        {
            return known.Held.Restraints;
        }

        try
        {
            return (await ReadAsync(tenant)).Restraints;
        }
        catch (StoreUnavailableException)
        {
            return isKnown ? known.Held.Restraints : Restraints.None;
        }
    }
}

/// <summary>What a tenant holds back, as it was read.</summary>
/// <param name="Restraints">What it is.</param>
/// <param name="Guard">What a change that rests on it must find unchanged.</param>
internal sealed record HeldRestraints(Restraints Restraints, ControlGuard Guard);
