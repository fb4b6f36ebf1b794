using System.Collections.Concurrent;
using System.Collections.Immutable;
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
        var restraints = stored?.Read<Restraints>() ?? Restraints.None;
        var waivers = restraints.Windows.IsEmpty ? [] : await store.ListControlsAsync(tenant, ControlKinds.Waiver);
        var held = new HeldRestraints(restraints, stored?.Revision ?? 0, [.. waivers.Select(waiver => (waiver.Read<Waiver>(), waiver.Revision))]);
        _known[tenant] = (held, readAt);
        return held;
    }

    /// <summary>What was true at most a second ago: enough to say why a rollout stands still, not to let it go on. Null: nobody has read it since.</summary>
    public HeldRestraints? Known(string tenant) =>
        _known.TryGetValue(tenant, out var known) && clock.GetElapsedTime(known.ReadAt) < KnownFor ? known.Held : null;

    /// <summary>The same, read where nobody has; where the store does not answer, what it said last.</summary>
    public async Task<HeldRestraints> KnowAsync(string tenant)
    {
        if (Known(tenant) is { } held)
        {
            return held;
        }

        try
        {
            return await ReadAsync(tenant);
        }
        catch (StoreUnavailableException)
        {
            return _known.TryGetValue(tenant, out var last) ? last.Held : HeldRestraints.None;
        }
    }
}

/// <summary>What a tenant holds back, and what may lift it, as it was read.</summary>
/// <param name="Restraints">What it is.</param>
/// <param name="Revision">The revision of it; 0: nothing was ever said.</param>
/// <param name="Found">The tenant's waivers, where there are windows to lift, each with its revision.</param>
internal sealed record HeldRestraints(Restraints Restraints, long Revision, ImmutableArray<(Waiver Waiver, long Revision)> Found)
{
    /// <summary>Nothing is known of any.</summary>
    public static readonly HeldRestraints None = new(Restraints.None, 0, []);

    /// <summary>The waivers that may lift windows.</summary>
    public ImmutableArray<Waiver> Waivers { get; } = [.. Found.Select(found => found.Waiver).Where(waiver => waiver.Rule == Waiver.FreezeWindow)];

    /// <summary>What a change that goes forward must find unchanged, with the waiver that it went forward under.</summary>
    public ImmutableArray<ControlGuard> GuardsOf(string? waiverId) =>
    [
        new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, Revision),
        .. Found.Where(found => found.Waiver.WaiverId == waiverId).Select(found => new ControlGuard(ControlKinds.Waiver, found.Waiver.WaiverId, found.Revision)),
    ];
}
