namespace OrleansPolicy.Abstractions;

/// <summary>How grains are keyed. Names hold no slash (<see cref="Names"/>), so that a key reads back without doubt.</summary>
public static class GrainKeys
{
    /// <summary>The key of a fleet.</summary>
    public static string Fleet(string tenant, string fleet) => $"{tenant}/{fleet}";

    /// <summary>The key of a node.</summary>
    public static string Node(string tenant, string fleet, string node) => $"{tenant}/{fleet}/{node}";

    /// <summary>The key of a rollout.</summary>
    public static string Rollout(string tenant, string rolloutId) => $"{tenant}/{rolloutId}";

    /// <summary>The key of a wave.</summary>
    public static string Wave(string tenant, string waveId) => $"{tenant}/{waveId}";

    /// <summary>The limiter of a tenant.</summary>
    public static IRateLimiterGrain Limiter(this IGrainFactory grains, string tenant) => grains.GetGrain<IRateLimiterGrain>(tenant);

    /// <summary>The catalog of a tenant.</summary>
    public static ICatalogGrain Catalog(this IGrainFactory grains, string tenant) => grains.GetGrain<ICatalogGrain>(tenant);

    /// <summary>The audit of a tenant.</summary>
    public static IAuditGrain Audit(this IGrainFactory grains, string tenant) => grains.GetGrain<IAuditGrain>(tenant);

    /// <summary>A fleet.</summary>
    public static IFleetGrain Fleet(this IGrainFactory grains, string tenant, string fleet) =>
        grains.GetGrain<IFleetGrain>(Fleet(tenant, fleet));

    /// <summary>A node.</summary>
    public static INodeGrain Node(this IGrainFactory grains, string tenant, string fleet, string node) =>
        grains.GetGrain<INodeGrain>(Node(tenant, fleet, node));

    /// <summary>A rollout.</summary>
    public static IRolloutWedgeGrain Rollout(this IGrainFactory grains, string tenant, string rolloutId) =>
        grains.GetGrain<IRolloutWedgeGrain>(Rollout(tenant, rolloutId));

    /// <summary>A wave.</summary>
    public static IRolloutWaveGrain Wave(this IGrainFactory grains, string tenant, string waveId) =>
        grains.GetGrain<IRolloutWaveGrain>(Wave(tenant, waveId));

    /// <summary>Reads a key of two parts: of a fleet, a rollout or a wave.</summary>
    public static (string Tenant, string Name) ReadPair(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && slash < key.Length - 1
            ? (key[..slash], key[(slash + 1)..])
            : throw new ArgumentException($"'{key}' is no key of the form tenant/name.", nameof(key));
    }
}
