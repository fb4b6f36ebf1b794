using System.Collections.Immutable;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client;

/// <summary>
/// The trust root that an agent believes: the one given at install, followed forward only, by roots that the one before signed.
/// Whoever controls the network can withhold a newer root, but never put another in its place.
/// </summary>
internal sealed class TrustAnchor
{
    /// <summary>A chain this long in one go is no chain but an attack.</summary>
    private const int StepsMax = 100;

    private readonly Lock _lock = new();
    private volatile Trusted? _now;
    private Task<Trusted>? _following;

    public TrustAnchor(TrustRoot root)
    {
        var checkedRoot = TrustRoots.Validate(root);
        if (!checkedRoot.Succeeded)
        {
            throw new ArgumentException($"The trust root is not valid: {checkedRoot.Problems[0].Message}", nameof(root));
        }

        _now = Trusted.First(checkedRoot.Value);
    }

    private TrustAnchor()
    {
    }

    /// <summary>The newest root that was followed; null: the first one is not there yet (<see cref="OfOwnStore"/>).</summary>
    public Trusted? Now => _now;

    /// <summary>
    /// For the control plane's own node, whose channel reads the store that every root was accepted into: its first root is the newest
    /// one there, as soon as there is one. Never for a channel that leaves the process.
    /// </summary>
    public static TrustAnchor OfOwnStore() => new();

    /// <summary>The identity of a root, whatever signatures it carries.</summary>
    public static string Fingerprint(TrustRoot root) => TrustRoots.Hash(root);

    /// <summary>
    /// Takes up a chain that was kept, as far as it follows from the root given at install. What does not follow is left out: a file on
    /// disk has no more to say than the network.
    /// </summary>
    public void Resume(ImmutableArray<TrustRoot> chain)
    {
        foreach (var next in chain)
        {
            if (_now is { } now && next.Version == now.Root.Version + 1 && TrustRoots.Follow(now.Root, next) is { Succeeded: true } followed)
            {
                _now = now.Then(followed.Value);
            }
        }
    }

    /// <summary>
    /// Follows the chain as far as it goes; agents that ask at the same time share the way. A next root that does not follow stops
    /// it where it is and is told through <paramref name="refused"/>: it must not take the old root away.
    /// </summary>
    /// <exception cref="PolicyLoadException">There is no root at all (<c>trust.unset</c>).</exception>
    public Task<Trusted> FollowAsync(INodeChannel channel, Action<Problem>? refused, CancellationToken cancellationToken)
    {
        Task<Trusted> following;
        lock (_lock)
        {
            following = _following is { IsCompleted: false } shared ? shared : _following = Task.Run(() => WalkAsync(channel, refused), CancellationToken.None);
        }

        return following.WaitAsync(cancellationToken);
    }

    private async Task<Trusted> WalkAsync(INodeChannel channel, Action<Problem>? refused)
    {
        var current = _now ??= await channel.FindTrustAsync(null, CancellationToken.None) is { } first
            ? Trusted.First(first)
            : throw new PolicyLoadException("trust.unset", "The tenant has no trust root: no signature counts.");
        for (var step = 0; step < StepsMax; step++)
        {
            var next = await channel.FindTrustAsync(current.Root.Version + 1, CancellationToken.None);
            if (next is null)
            {
                break;
            }

            var followed = TrustRoots.Follow(current.Root, next);
            if (!followed.Succeeded)
            {
                refused?.Invoke(followed.Problems[0]);
                break;
            }

            _now = current = current.Then(followed.Value);
        }

        return current;
    }

    /// <param name="Root">The newest root.</param>
    /// <param name="Fingerprint">Its identity.</param>
    /// <param name="Chain">The way to it: the root given at install first, itself last.</param>
    internal sealed record Trusted(TrustRoot Root, string Fingerprint, ImmutableArray<TrustRoot> Chain)
    {
        public static Trusted First(TrustRoot root) => new(root, TrustAnchor.Fingerprint(root), [root]);

        public Trusted Then(TrustRoot next) => new(next, TrustAnchor.Fingerprint(next), Chain.Add(next));
    }
}
