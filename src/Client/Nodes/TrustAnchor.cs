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
    private volatile Trusted _now;
    private Task<Trusted>? _following;

    public TrustAnchor(TrustRoot root)
    {
        var checkedRoot = TrustRoots.Validate(root);
        if (!checkedRoot.Succeeded)
        {
            throw new ArgumentException($"The trust root is not valid: {checkedRoot.Problems[0].Message}", nameof(root));
        }

        _now = new Trusted(checkedRoot.Value, Fingerprint(checkedRoot.Value));
    }

    /// <summary>The newest root that was followed.</summary>
    public Trusted Now => _now;

    /// <summary>The identity of a root, whatever signatures it carries.</summary>
    public static string Fingerprint(TrustRoot root) => TrustRoots.Hash(root);

    /// <summary>
    /// Follows the chain as far as it goes; agents that ask at the same time share the way. A next root that does not follow stops
    /// it where it is and is told through <paramref name="refused"/>: it must not take the old root away.
    /// </summary>
    public Task<Trusted> FollowAsync(PolicyClient client, Action<Problem>? refused, CancellationToken cancellationToken)
    {
        Task<Trusted> following;
        lock (_lock)
        {
            following = _following is { IsCompleted: false } shared ? shared : _following = Task.Run(() => WalkAsync(client, refused), CancellationToken.None);
        }

        return following.WaitAsync(cancellationToken);
    }

    private async Task<Trusted> WalkAsync(PolicyClient client, Action<Problem>? refused)
    {
        for (var step = 0; step < StepsMax; step++)
        {
            var current = _now.Root;
            var next = await client.FindTrustAsync(current.Version + 1, CancellationToken.None);
            if (next is null)
            {
                break;
            }

            var followed = TrustRoots.Follow(current, next);
            if (!followed.Succeeded)
            {
                refused?.Invoke(followed.Problems[0]);
                break;
            }

            _now = new Trusted(followed.Value, Fingerprint(followed.Value));
        }

        return _now;
    }

    internal sealed record Trusted(TrustRoot Root, string Fingerprint);
}
