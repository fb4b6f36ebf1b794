using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>Fetches, verifies, compiles and warms a bundle, away from the threads that decide.</summary>
internal sealed class PolicyLoader(PolicyClient client, PolicyCache cache, TrustAnchor anchor, DefaultEffect? defaultEffect)
{
    private readonly string _origin = client.Options.Server.GetLeftPart(UriPartial.Authority);

    public TrustAnchor Anchor => anchor;

    /// <summary>A bundle that is verified under the newest root known here and ready now, or null.</summary>
    public LoadedPolicy? Find(string policyHash) => cache.Find(Key(policyHash, anchor.Now));

    /// <summary>Whether what was loaded earlier is still what the newest root known here accepts.</summary>
    public bool IsCurrent(LoadedPolicy policy) => policy.TrustVersion == anchor.Now.Root.Version;

    /// <param name="policyHash">The bundle.</param>
    /// <param name="contentUrl">Where the directive says it lies; null: where the API puts it.</param>
    /// <param name="rootRefused">Told of a next trust root that does not follow.</param>
    /// <param name="cancellationToken">Stops waiting, not the load: others may wait for the same.</param>
    /// <exception cref="PolicyLoadException">It must not be served.</exception>
    /// <exception cref="PolicyApiException">It is not given.</exception>
    /// <exception cref="PolicyUnreachableException">Nobody answers.</exception>
    public async Task<LoadedPolicy> LoadAsync(
        string policyHash, string? contentUrl, Action<Problem>? rootRefused, CancellationToken cancellationToken)
    {
        var path = contentUrl ?? client.ContentPath(policyHash);
        if (!client.IsOwnPath(path))
        {
            throw new PolicyLoadException("node.content_url_refused", $"The content address '{path}' is not a path of the control plane.");
        }

        // A key that was taken back since must not verify this bundle: look for a newer root first.
        var trusted = await anchor.FollowAsync(client, rootRefused, cancellationToken);
        return await cache.LoadAsync(
            Key(policyHash, trusted), () => LoadOnceAsync(policyHash, path, trusted.Root), cancellationToken);
    }

    private async Task<LoadedPolicy> LoadOnceAsync(string policyHash, string path, TrustRoot root)
    {
        var content = await client.GetContentAtAsync(path, CancellationToken.None);
        var verified = BundleVerifier.Verify(content, root, new BundleReadOptions(), SigningUse.Serve);
        if (!verified.Succeeded)
        {
            throw PolicyLoadException.Of(verified);
        }

        if (verified.Value.PolicyHash != policyHash)
        {
            throw new PolicyLoadException(
                "node.hash_mismatch", $"The directive demands {policyHash}, the content is {verified.Value.PolicyHash}.");
        }

        var compiled = RuleSet.Compile(verified.Value, defaultEffect);
        if (!compiled.Succeeded)
        {
            throw PolicyLoadException.Of(compiled);
        }

        // The first decision of a rule set compiles code and fills caches: better here than in somebody's request.
        compiled.Value.Decide(new DecisionRequest("", default, client.Options.TimeProvider.GetUtcNow()));
        return new LoadedPolicy(policyHash, compiled.Value.Version, compiled.Value, root.Version);
    }

    private PolicyKey Key(string policyHash, TrustAnchor.Trusted trusted) =>
        new(_origin, client.Options.Tenant, policyHash, trusted.Fingerprint, defaultEffect);
}
