using System.Collections.Concurrent;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Decisions;

/// <summary>Which version a hash is. Bundles never change, so what was read once stays true.</summary>
public sealed class BundleVersions(ICatalogStore catalog)
{
    private const int KnownMax = 100_000;
    private readonly ConcurrentDictionary<(string Tenant, string Hash), string> known = new();

    /// <summary>The versions of those hashes that are published.</summary>
    public async Task<IReadOnlyDictionary<string, string>> FindAsync(string tenant, IEnumerable<string?> hashes)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var hash in hashes.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            if (await FindAsync(tenant, hash) is { } version)
            {
                found[hash] = version;
            }
        }

        return found;
    }

    /// <summary>The version of a hash; null where it is not published.</summary>
    public async ValueTask<string?> FindAsync(string tenant, string hash)
    {
        if (known.TryGetValue((tenant, hash), out var version))
        {
            return version;
        }

        if (await catalog.FindBundleAsync(tenant, hash) is not { } bundle)
        {
            return null;
        }

        if (known.Count >= KnownMax)
        {
            known.Clear();
        }

        return known[(tenant, hash)] = bundle.Version;
    }
}
