using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Catalog;

/// <summary>Which published bundles a fleet may still be given: what was right when a bundle was published need not be right now.</summary>
internal sealed class StartableBundles(ICatalogStore catalog)
{
    /// <summary>
    /// Resolves a reference. Fails with <c>bundle.unknown</c>, <c>bundle.expired</c>, <c>bundle.replayed</c> (a sequence below the
    /// tenant's highest) and, where the trust root has moved on since and its signatures do not count any more, with <c>bundle.*</c>.
    /// </summary>
    public async Task<Outcome<BundleRecord>> FindAsync(string tenant, string reference, DateTimeOffset now)
    {
        if (await catalog.FindBundleAsync(tenant, reference) is not { } bundle)
        {
            return Outcome<BundleRecord>.Fail("bundle.unknown", $"No bundle is known as '{reference}'.", "$.ref");
        }

        return await CheckAsync(catalog, tenant, bundle, now) is { } refused
            ? Outcome<BundleRecord>.Fail([refused])
            : await VerifyAsync(tenant, reference, bundle);
    }

    /// <summary>
    /// The same for a way back: it goes to what is older, so the sequence holds nothing against it, and an expired bundle is taken where
    /// that is allowed.
    /// </summary>
    public async Task<Outcome<BundleRecord>> FindForReturnAsync(string tenant, string reference, bool allowExpired, DateTimeOffset now)
    {
        if (await catalog.FindBundleAsync(tenant, reference) is not { } bundle)
        {
            return Outcome<BundleRecord>.Fail("bundle.unknown", $"No bundle is known as '{reference}'.", "$.ref");
        }

        return !allowExpired && BundleChecks.Expiry(bundle.ExpiresAt, now) is { } expired
            ? Outcome<BundleRecord>.Fail([expired])
            : await VerifyAsync(tenant, reference, bundle);
    }

    private async Task<Outcome<BundleRecord>> VerifyAsync(string tenant, string reference, BundleRecord bundle)
    {
        var content = await catalog.ReadContentAsync(tenant, bundle.PolicyHash);
        var root = await ReadRootAsync(catalog, tenant);
        if (content is null || root is null)
        {
            return Outcome<BundleRecord>.Fail("bundle.unknown", $"The content of '{reference}' cannot be verified.", "$.ref");
        }

        var verified = BundleVerifier.Verify(content.Value.AsMemory(), root, new BundleReadOptions(), SigningUse.Serve);
        return verified.Succeeded ? Outcome<BundleRecord>.Ok(bundle) : verified.As<BundleRecord>();
    }

    /// <summary>The tenant's newest trust root; null before the first.</summary>
    public static async Task<TrustRoot?> ReadRootAsync(ICatalogStore catalog, string tenant) =>
        await catalog.ReadTrustRootAsync(tenant) is { } stored
            ? JsonSerializer.Deserialize<TrustRoot>(stored.Document, PolicyJson.Options)
            : null;

    /// <summary>What time and later bundles hold against one; the same when it is published and when it is started.</summary>
    public static async Task<Problem?> CheckAsync(ICatalogStore catalog, string tenant, BundleRecord bundle, DateTimeOffset now) =>
        BundleChecks.Expiry(bundle.ExpiresAt, now)
        ?? (bundle.Sequence is null ? null : BundleChecks.Sequence(bundle.Sequence, await catalog.ReadHighestSequenceAsync(tenant)));
}
