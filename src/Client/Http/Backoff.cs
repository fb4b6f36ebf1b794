namespace OrleansPolicy.Client;

/// <summary>How long to wait before the next attempt: doubling up to a limit, drawn at random so that a thousand clients do not come back at once.</summary>
/// <param name="First">The upper bound of the first wait.</param>
/// <param name="Max">The upper bound of every wait.</param>
public sealed record Backoff(TimeSpan First, TimeSpan Max)
{
    /// <summary>
    /// How far a server's own <c>Retry-After</c> is followed. Default 5 s: what stands in front of a control plane may say an hour, and
    /// whoever waits that long misses that it is back.
    /// </summary>
    public TimeSpan RetryAfterMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The wait after the given number of failures (1 for the first): between half the bound and the bound. A server's own
    /// <c>Retry-After</c> is the least wait, as far as <see cref="RetryAfterMax"/>; up to half of it is added, so that those it turned away
    /// together do not return together.
    /// </summary>
    public TimeSpan After(int failures, TimeSpan? retryAfter = null, Random? random = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        var doublings = Math.Min(failures - 1, 30);
        var bound = Math.Min(First.TotalMilliseconds * Math.Pow(2, doublings), Max.TotalMilliseconds);
        var drawn = (random ?? Random.Shared).NextDouble();
        var least = Math.Min((retryAfter ?? TimeSpan.Zero).TotalMilliseconds, RetryAfterMax.TotalMilliseconds);
        return least > 0
            ? TimeSpan.FromMilliseconds(least + (drawn * Math.Min(bound, least / 2)))
            : TimeSpan.FromMilliseconds(bound * (0.5 + (drawn / 2)));
    }
}
