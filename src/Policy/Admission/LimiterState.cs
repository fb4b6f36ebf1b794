namespace OrleansPolicy.Admission;

/// <summary>
/// The limiter as a value. The token level is kept as the moment at which the bucket will be full again, so that refilling
/// needs no arithmetic that could drift: time itself refills.
/// </summary>
/// <param name="FullAt">When the bucket is full again; a moment in the past means full now.</param>
/// <param name="LastAdmittedAt">When the last update was admitted; null: never.</param>
/// <param name="SeenAt">The latest time it was shown: a clock that steps back stands still instead.</param>
public sealed record LimiterState(DateTimeOffset FullAt, DateTimeOffset? LastAdmittedAt, DateTimeOffset SeenAt)
{
    /// <summary>A full bucket.</summary>
    public static LimiterState Full(DateTimeOffset now) => new(now, null, now);
}
