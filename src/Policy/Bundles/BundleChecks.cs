namespace OrleansPolicy.Bundles;

/// <summary>What is held against a bundle when it is published and when a rollout of it starts, but not while it runs.</summary>
public static class BundleChecks
{
    /// <summary>A problem <c>bundle.expired</c> from the moment of <c>expires_at</c> on.</summary>
    public static Problem? Expiry(DateTimeOffset? expiresAt, DateTimeOffset now) => expiresAt is { } end && now >= end
        ? new Problem("bundle.expired", $"The bundle expired at {end:O}.", "$.metadata.expires_at")
        : null;

    /// <summary>
    /// A problem <c>bundle.replayed</c> where the sequence is below the highest that the tenant has seen; equal is not below. A
    /// bundle without a sequence does not take part.
    /// </summary>
    public static Problem? Sequence(long? sequence, long? highestSeen) => sequence < highestSeen
        ? new Problem("bundle.replayed", $"The sequence {sequence} is below {highestSeen}, the highest seen.", "$.metadata.sequence")
        : null;
}
