using System.Collections.Concurrent;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Security;

/// <summary>The tenants that exist. They are never deleted, so one that was seen is not asked for again.</summary>
public sealed class TenantDirectory(IKeyStore store)
{
    private readonly ConcurrentDictionary<string, bool> known = new(StringComparer.Ordinal);

    /// <summary>Whether there is such a tenant.</summary>
    public async ValueTask<bool> ExistsAsync(string tenant)
    {
        if (known.ContainsKey(tenant))
        {
            return true;
        }

        foreach (var name in await store.ListTenantsAsync())
        {
            known[name] = true;
        }

        return known.ContainsKey(tenant);
    }
}
