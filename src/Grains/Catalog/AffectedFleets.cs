using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Catalog;

/// <summary>Which fleets a next trust root would leave with a bundle that verifies no longer: its key compromised or gone, or too few of them.</summary>
internal sealed class AffectedFleets(IRolloutStore store, ICatalogStore catalog)
{
    /// <summary>A problem <c>trust.affects_fleets</c> for each fleet and bundle, target or fallback, that verifies under the root in force and not under the next.</summary>
    public async Task<ImmutableArray<Problem>> FindAsync(string tenant, TrustRoot current, TrustRoot next)
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        var refusals = new Dictionary<string, Problem?>(StringComparer.Ordinal);
        foreach (var fleet in await store.ListFleetsAsync(tenant))
        {
            foreach (var hash in HashesOf(fleet.Directive))
            {
                if (!refusals.TryGetValue(hash, out var refusal))
                {
                    refusals[hash] = refusal = await RefusalAsync(tenant, hash, current, next);
                }

                if (refusal is not null)
                {
                    problems.Add(new Problem(
                        "trust.affects_fleets",
                        $"The fleet {fleet.Fleet} is assigned bundle {hash}, which this root does not verify ({refusal.Code}): its nodes would refuse to load it.",
                        "$.keys"));
                }
            }
        }

        return problems.ToImmutable();
    }

    private static IEnumerable<string> HashesOf(Directive directive) => new[] { directive.Target, directive.Fallback }.OfType<string>().Distinct();

    private async Task<Problem?> RefusalAsync(string tenant, string hash, TrustRoot current, TrustRoot next)
    {
        if (await catalog.ReadContentAsync(tenant, hash) is not { } content)
        {
            return null;
        }

        var bundle = BundleReader.Read(content.AsMemory(), BundleReadOptions.Default);
        return bundle.Succeeded && BundleVerifier.Verify(bundle.Value, current, SigningUse.Serve).Succeeded
            && BundleVerifier.Verify(bundle.Value, next, SigningUse.Serve) is { Succeeded: false } refused
                ? refused.Problems[0]
                : null;
    }
}
