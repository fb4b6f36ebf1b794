using System.Collections.Immutable;

namespace OrleansPolicy.Admission;

/// <summary>The state of all of a tenant's limits. One clock for all of them: the highest time any of them was shown.</summary>
/// <param name="FullAt">When the tenant's own bucket is full again.</param>
/// <param name="LastAdmittedAt">When the last update was admitted; null: never.</param>
/// <param name="SeenAt">The latest time it was shown: a clock that steps back stands still instead.</param>
public sealed record AdmissionState(DateTimeOffset FullAt, DateTimeOffset? LastAdmittedAt, DateTimeOffset SeenAt)
{
    /// <summary>The limits of fleets and operators that are not idle, by scope; null: all are. An idle one is the same as a full one.</summary>
    public ImmutableSortedDictionary<string, LimiterState>? Scopes { get; init; }

    /// <summary>Full buckets.</summary>
    public static AdmissionState Full(DateTimeOffset now) => new(now, null, now);

    internal LimiterState Of(string scope) => scope == UpdateLimits.TenantScope
        ? new LimiterState(FullAt, LastAdmittedAt, SeenAt)
        : Scopes?.GetValueOrDefault(scope) is { } known ? known with { SeenAt = SeenAt } : LimiterState.Full(SeenAt);
}
