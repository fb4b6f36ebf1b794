namespace OrleansPolicy.Fleets;

/// <summary>
/// How long a node may serve without hearing from the control plane, and what follows for those who wait for it. The node counts its
/// lease on its monotonic clock from the moment it sent its request; a silo grants it only on a durable epoch that it read at most
/// <see cref="ReadAge"/> before. So after lease + <see cref="Margin"/> a node is certain to have stopped, and no record of grants is
/// needed to know it. Only where the lease was longer before (<see cref="EarlierLease"/>) a node may have that one.
/// </summary>
public static class Lease
{
    /// <summary>How old the read of the durable epoch may be on which a lease is granted.</summary>
    public static readonly TimeSpan ReadAge = TimeSpan.FromSeconds(2);

    /// <summary>What is added to a lease before a node counts as fenced: <see cref="ReadAge"/>, and one second for clocks that run at different rates.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(3);

    /// <summary>The longest hold of a poll where leases are in force.</summary>
    public static readonly TimeSpan PollWaitMaxWithLease = TimeSpan.FromSeconds(7);

    /// <summary>The longest hold of a poll where they are not.</summary>
    public static readonly TimeSpan PollWaitMax = TimeSpan.FromSeconds(20);

    /// <summary>A node is live for this long after it was heard, where leases are off.</summary>
    public static readonly TimeSpan LiveWithoutLease = TimeSpan.FromSeconds(20);

    /// <summary>Seconds that an answer grants; null: leases are off, a node serves on whatever happens.</summary>
    public static int? Grant(FleetSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.MaxStalenessSec;
    }

    /// <summary>The same under a directive: a file's node is led by nobody who could take anything back, so no lease bounds it.</summary>
    public static int? Grant(FleetSettings settings, Directive directive) => FileDirective.Holds(directive) ? null : Grant(settings);

    /// <summary>After which time without a word a node is certain to have stopped serving; null: never.</summary>
    public static TimeSpan? FenceAfter(FleetSettings settings) => Fence(Grant(settings));

    /// <summary>The same for the longest lease that ends of those that a node of the fleet may still have; null: leases are off.</summary>
    public static TimeSpan? FenceAfterMax(FleetSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Fence(settings.EarlierLease?.MaxStalenessSec) ?? FenceAfter(settings);
    }

    /// <summary>
    /// Whether a node is certain to have stopped serving the hash it last had: its last request lies further back than a lease and
    /// the margin, or so does the commit of an epoch that forbids its hash and that it has not ACKed (whoever hears such an epoch denies
    /// until it has swapped, so asking does not help it).
    /// </summary>
    /// <param name="settings">The fleet's settings.</param>
    /// <param name="heardAt">
    /// When its last request arrived. For a node not heard yet: since when it would have been (its registration, or the moment since which
    /// this fleet's requests are noted), because it may have been granted a lease just before.
    /// </param>
    /// <param name="toldAt">When it was last told how long its lease is: at its last request; for a node not heard yet, not before its registration.</param>
    /// <param name="forbiddenAt">When the epoch was committed that forbids its hash; null: it runs what it may, or has ACKed.</param>
    /// <param name="now">The time.</param>
    public static bool IsFenced(FleetSettings settings, DateTimeOffset heardAt, DateTimeOffset toldAt, DateTimeOffset? forbiddenAt, DateTimeOffset now) =>
        FencedAt(settings, heardAt, toldAt, forbiddenAt) <= now;

    /// <summary>
    /// The moment from which <see cref="IsFenced"/> holds, if nothing is heard until then; null: leases are off, or were when the node was last
    /// told of its lease.
    /// </summary>
    public static DateTimeOffset? FencedAt(FleetSettings settings, DateTimeOffset heardAt, DateTimeOffset toldAt, DateTimeOffset? forbiddenAt)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var from = forbiddenAt < heardAt ? forbiddenAt.Value : heardAt;
        var fencedAt = from + FenceAfter(settings);
        if (fencedAt is null || settings.EarlierLease is not { } earlier)
        {
            return fencedAt;
        }

        if (earlier.MaxStalenessSec is null && toldAt <= earlier.Until)
        {
            return null;
        }

        // A node that is told of a shorter lease does not take back the one that runs.
        var grantedAt = from < earlier.Until ? from : earlier.Until;
        var earlierAt = grantedAt + Fence(earlier.MaxStalenessSec ?? FleetSettingsRules.MaxStalenessSecMax);
        return earlierAt > fencedAt ? earlierAt : fencedAt;
    }

    /// <summary>
    /// How a node stands. Left: not heard for the fleet's time to live (or deleted, which the registry knows), and no lease of it runs. Fenced: as
    /// <see cref="IsFenced"/>. Live: heard within half its lease (20 s without leases). Else silent.
    /// </summary>
    /// <param name="settings">The fleet's settings.</param>
    /// <param name="lastHeardAt">When its last request arrived; null: not heard yet.</param>
    /// <param name="watchedSince">Since when it would have been heard: the later of its registration and the moment since which requests are noted.</param>
    /// <param name="registeredAt">When it was registered.</param>
    /// <param name="forbiddenAt">As for <see cref="IsFenced"/>.</param>
    /// <param name="now">The time.</param>
    public static NodeState StateOf(
        FleetSettings settings, DateTimeOffset? lastHeardAt, DateTimeOffset watchedSince, DateTimeOffset registeredAt, DateTimeOffset? forbiddenAt,
        DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var heardAt = lastHeardAt ?? watchedSince;
        var fencedAt = FencedAt(settings, heardAt, lastHeardAt ?? registeredAt, forbiddenAt);
        if (now - heardAt >= TimeSpan.FromSeconds(settings.NodeTtlSec) && !(fencedAt > now))
        {
            return NodeState.Left;
        }

        if (fencedAt <= now)
        {
            return NodeState.Fenced;
        }

        return now - lastHeardAt <= LiveFor(settings) ? NodeState.Live : NodeState.Silent;
    }

    /// <summary>How long after a word a node counts as live.</summary>
    public static TimeSpan LiveFor(FleetSettings settings) =>
        Grant(settings) is { } lease ? TimeSpan.FromSeconds(lease) / 2 : LiveWithoutLease;

    /// <summary>How long a poll is held: what was asked, at most a sixth of the lease and 7 s, or 20 s without leases.</summary>
    public static TimeSpan PollWait(FleetSettings settings, TimeSpan asked)
    {
        var max = Grant(settings) is { } lease ? Shorter(TimeSpan.FromSeconds(lease) / 6, PollWaitMaxWithLease) : PollWaitMax;
        return asked <= TimeSpan.Zero ? TimeSpan.Zero : Shorter(asked, max);
    }

    private static TimeSpan? Fence(int? leaseSec) => leaseSec is { } lease ? TimeSpan.FromSeconds(lease) + Margin : null;

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
