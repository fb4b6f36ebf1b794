namespace OrleansPolicy.Fleets;

/// <summary>
/// The longer lease that a fleet's nodes were granted before. Who has not asked since still has it, however short the lease is now: the
/// control plane keeps it with the fleet's settings, and counts nobody as fenced before it has ended.
/// </summary>
public sealed record EarlierLease
{
    /// <summary>
    /// How long after it was decided a change of the lease may be durable, and an answer given that knows nothing of it: longer than any
    /// statement takes, and than what was read from the database is used (<see cref="Lease.ReadAge"/>).
    /// </summary>
    public static readonly TimeSpan GrantedOnFor = TimeSpan.FromSeconds(30);

    /// <summary>The lease, in seconds; null: leases were off.</summary>
    public int? MaxStalenessSec { get; init; }

    /// <summary>Until when it may have been granted.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>What is kept when a fleet's settings change; null: nobody can have a longer lease than the new one.</summary>
    /// <param name="before">The settings before; null: there was no fleet.</param>
    /// <param name="maxStalenessSec">The new lease.</param>
    /// <param name="now">The time.</param>
    public static EarlierLease? Of(FleetSettings? before, int? maxStalenessSec, DateTimeOffset now)
    {
        if (before is null)
        {
            return null;
        }

        // Of several that were longer the longest counts, to the end of the last: rather waited for too long than not long enough.
        var kept = before.EarlierLease;
        return IsLonger(before.MaxStalenessSec, maxStalenessSec)
            ? new EarlierLease { MaxStalenessSec = kept is null ? before.MaxStalenessSec : kept.MaxStalenessSec, Until = now + GrantedOnFor }
            : kept is not null && IsLonger(kept.MaxStalenessSec, maxStalenessSec) ? kept : null;
    }

    private static bool IsLonger(int? one, int? other) => other is { } seconds && !(one <= seconds);
}
