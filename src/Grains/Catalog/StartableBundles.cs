using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Catalog;

/// <summary>Which published bundles a fleet may still be given: what was right when a bundle was published need not be right now.</summary>
internal sealed class StartableBundles(ICatalogStore catalog)
{
    /// <summary>
    /// Resolves a reference. Fails with <c>bundle.unknown</c>, <c>bundle.expired</c>, <c>bundle.replay</c> (a sequence below the
    /// tenant's highest) and, where the trust root has moved on since and its signatures do not count any more, with <c>bundle.*</c>.
    /// </summary>
    public async Task<Outcome<BundleRecord>> FindAsync(string tenant, string reference, DateTimeOffset now)
    {
        if (await catalog.FindBundleAsync(tenant, reference) is not { } bundle)
        {
            return Outcome<BundleRecord>.Fail("bundle.unknown", $"No bundle is known as '{reference}'.", "$.ref");
        }

        if (CheckTime(bundle, now) is { } expired)
        {
            return Outcome<BundleRecord>.Fail([expired]);
        }

        if (bundle.Sequence is { } sequence && await catalog.ReadHighestSequenceAsync(tenant) is { } highest && sequence < highest)
        {
            return Outcome<BundleRecord>.Fail([Replay(sequence, highest)]);
        }

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

    /// <summary>A problem where the bundle has expired.</summary>
    public static Problem? CheckTime(BundleRecord bundle, DateTimeOffset now) => bundle.ExpiresAt is { } end && end <= now
        ? new Problem("bundle.expired", $"The bundle expired at {end:O}.", "$.metadata.expires_at")
        : null;

    /// <summary>The problem of a bundle older than one that was published.</summary>
    public static Problem Replay(long sequence, long highest) =>
        new("bundle.replay", $"Sequence {sequence} is below {highest}, the highest that was published.", "$.metadata.sequence");
}
