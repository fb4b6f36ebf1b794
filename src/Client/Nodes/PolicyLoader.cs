using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>Fetches, verifies and compiles a bundle, away from the threads that decide.</summary>
internal sealed class PolicyLoader(INodeChannel? channel, string tenant, PolicyCache cache, TrustAnchor anchor, DefaultEffect? defaultEffect)
{
    // Most likely in force: rules that the next one has too need not be read again. Not kept for that alone.
    private readonly WeakReference<PreparedPolicy?> _last = new(null);

    public TrustAnchor Anchor => anchor;

    /// <summary>A bundle that is verified under the newest root known here and ready now, or null.</summary>
    public LoadedPolicy? Find(string policyHash) => channel is not null && anchor.Now is { } trusted ? cache.Find(Key(policyHash, trusted, channel)) : null;

    /// <summary>Whether what was loaded earlier is still what the newest root known here accepts.</summary>
    public bool IsCurrent(LoadedPolicy policy) => policy.TrustVersion == anchor.Now?.Root.Version;

    /// <summary>Fetches a bundle that a directive demands.</summary>
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
        if (channel is null)
        {
            throw new PolicyLoadException("node.no_channel", "The node has no control plane to fetch from.");
        }

        // A key that was taken back since must not verify this bundle: look for a newer root first.
        var trusted = await anchor.FollowAsync(channel, rootRefused, cancellationToken);
        return await cache.LoadAsync(
            Key(policyHash, trusted, channel), () => LoadOnceAsync(policyHash, contentUrl, trusted, channel), cancellationToken);
    }

    /// <summary>Verifies and compiles what was brought otherwise than by a directive: a file.</summary>
    /// <param name="content">The bytes.</param>
    /// <param name="options">What it is held against.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PolicyLoadException">It must not be served.</exception>
    public async Task<LoadedPolicy> PrepareAsync(ReadOnlyMemory<byte> content, PreparationOptions options, CancellationToken cancellationToken)
    {
        var trusted = channel is null
            ? anchor.Now ?? throw new PolicyLoadException("trust.unset", "There is no trust root: no signature counts.")
            : await anchor.FollowAsync(channel, null, cancellationToken);
        return Prepare(content, trusted, options with { DefaultEffect = defaultEffect });
    }

    /// <summary>Verifies and compiles what was in force before a restart, under the newest root known here; nobody is asked.</summary>
    /// <param name="content">The bytes.</param>
    /// <exception cref="PolicyLoadException">It must not be served.</exception>
    public LoadedPolicy PrepareKept(ReadOnlyMemory<byte> content) => Prepare(
        content,
        anchor.Now ?? throw new PolicyLoadException("trust.unset", "There is no trust root: no signature counts."),
        new PreparationOptions { DefaultEffect = defaultEffect });

    private async Task<LoadedPolicy> LoadOnceAsync(string policyHash, string? contentUrl, TrustAnchor.Trusted trusted, INodeChannel from)
    {
        var content = await from.FetchAsync(policyHash, contentUrl, CancellationToken.None);

        // Its expiry and its sequence were judged where it was published and started: here the directive demands it.
        var policy = Prepare(content, trusted, new PreparationOptions { DefaultEffect = defaultEffect });
        return policy.PolicyHash == policyHash
            ? policy
            : throw new PolicyLoadException("node.hash_mismatch", $"The directive demands {policyHash}, the content is {policy.PolicyHash}.");
    }

    private LoadedPolicy Prepare(ReadOnlyMemory<byte> content, TrustAnchor.Trusted trusted, PreparationOptions options)
    {
        _last.TryGetTarget(out var last);
        var prepared = PreparedPolicy.Prepare(content, trusted.Root, options with { Previous = last });
        if (!prepared.Succeeded)
        {
            throw new PolicyLoadException(prepared.Problems);
        }

        _last.SetTarget(prepared.Value);
        return new LoadedPolicy(prepared.Value, trusted.Root.Version, content);
    }

    private PolicyKey Key(string policyHash, TrustAnchor.Trusted trusted, INodeChannel from) =>
        new(from.Origin, tenant, policyHash, trusted.Fingerprint, defaultEffect);
}
