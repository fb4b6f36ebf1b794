using System.Collections.Concurrent;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>
/// Verified and compiled bundles by hash, for all agents of a process: each is fetched, verified and compiled once however many
/// agents need it. What was verified under one trust root is never handed to an agent that has another.
/// </summary>
public sealed class PolicyCache
{
    /// <summary>How many bundles are kept unless told otherwise: enough for a target and a fallback of several fleets.</summary>
    public const int DefaultCapacity = 16;

    private readonly ConcurrentDictionary<PolicyKey, Entry> _entries = new();
    private readonly ConcurrentDictionary<AnchorKey, TrustAnchor> _anchors = new();
    private readonly int _capacity;
    private long _uses;

    /// <summary>Empty.</summary>
    public PolicyCache(int capacity = DefaultCapacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 2);
        _capacity = capacity;
    }

    /// <summary>How often content was fetched, verified and compiled.</summary>
    public long Loads { get; private set; }

    /// <summary>One anchor for all agents that were given the same root for the same tenant: the chain is followed once.</summary>
    internal TrustAnchor AnchorFor(string origin, string tenant, TrustRoot root)
    {
        var fingerprint = TrustAnchor.Fingerprint(root);
        return _anchors.GetOrAdd(new AnchorKey(origin, tenant, fingerprint), _ => new TrustAnchor(root));
    }

    /// <summary>A bundle that is ready now, or null.</summary>
    internal LoadedPolicy? Find(PolicyKey key)
    {
        if (!_entries.TryGetValue(key, out var entry) || !entry.Loading.IsValueCreated || !entry.Loading.Value.IsCompletedSuccessfully)
        {
            return null;
        }

        entry.LastUse = Interlocked.Increment(ref _uses);
        return entry.Loading.Value.Result;
    }

    /// <summary>
    /// A bundle, loaded by whoever asks first while the others wait. That one's going away does not stop the load; a failure is
    /// told to all who wait and then forgotten.
    /// </summary>
    internal async Task<LoadedPolicy> LoadAsync(PolicyKey key, Func<Task<LoadedPolicy>> load, CancellationToken cancellationToken)
    {
        var entry = _entries.GetOrAdd(key, _ => new Entry(new Lazy<Task<LoadedPolicy>>(() => CountedAsync(load))));
        entry.LastUse = Interlocked.Increment(ref _uses);
        try
        {
            var policy = await entry.Loading.Value.WaitAsync(cancellationToken);
            Trim();
            return policy;
        }
        catch when (entry.Loading.Value.IsFaulted || entry.Loading.Value.IsCanceled)
        {
            _entries.TryRemove(new KeyValuePair<PolicyKey, Entry>(key, entry));
            throw;
        }
    }

    private async Task<LoadedPolicy> CountedAsync(Func<Task<LoadedPolicy>> load)
    {
        // Off the caller's thread at once: whoever comes second must not wait inside the lock of Lazy.
        await Task.Yield();
        var policy = await load();
        Loads++;
        return policy;
    }

    private void Trim()
    {
        // Agents hold what they run themselves, so that trimming never takes a bundle out of force.
        while (_entries.Count > _capacity && _entries.Where(e => e.Value.Loading.Value.IsCompleted).MinBy(e => e.Value.LastUse) is { Value: not null } oldest)
        {
            _entries.TryRemove(oldest);
        }
    }

    private sealed class Entry(Lazy<Task<LoadedPolicy>> loading)
    {
        public Lazy<Task<LoadedPolicy>> Loading { get; } = loading;

        public long LastUse { get; set; }
    }

    private readonly record struct AnchorKey(string Origin, string Tenant, string Fingerprint);
}

/// <summary>What makes two loads the same one.</summary>
internal readonly record struct PolicyKey(
    string Origin, string Tenant, string PolicyHash, string TrustFingerprint, DefaultEffect? DefaultEffect);
