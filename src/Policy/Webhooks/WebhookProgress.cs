namespace OrleansPolicy.Webhooks;

/// <summary>
/// How far a webhook is in the audit, and what stands in its way. One entry is tried at a time and nothing is sent before what is before it,
/// so that what is sent of a rollout, and of everything else, comes in its order.
/// </summary>
/// <param name="After">Everything up to this entry is sent, was not wanted, or was given up.</param>
public sealed record WebhookProgress(long After)
{
    /// <summary>How often an entry may be refused before it is given up.</summary>
    public const int RefusalsMax = 10;

    /// <summary>How long nothing gets through before what is as old is given up.</summary>
    public static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(24);

    /// <summary>How often in a row sending failed; 0: the last was taken.</summary>
    public int Failures { get; init; }

    /// <summary>How often the receiver was there and refused the entry after <see cref="After"/>.</summary>
    public int Refusals { get; init; }

    /// <summary>Since when nothing gets through; null: the last was taken.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>When to try again.</summary>
    public DateTimeOffset NextAt { get; init; }

    /// <summary>Why the last try failed.</summary>
    public string? Error { get; init; }

    /// <summary>When something was last taken.</summary>
    public DateTimeOffset? DeliveredAt { get; init; }

    /// <summary>Whether an entry is not tried (again): it was refused too often, or nothing gets through and it is too old to matter.</summary>
    /// <param name="entryAt">When it happened.</param>
    /// <param name="now">Now.</param>
    public bool GivesUp(DateTimeOffset entryAt, DateTimeOffset now) =>
        Refusals >= RefusalsMax || (FailingSince is { } since && now - since >= GiveUpAfter && now - entryAt >= GiveUpAfter);

    /// <summary>After entries that were not wanted.</summary>
    public WebhookProgress Past(long seq) => this with { After = seq };

    /// <summary>After an entry that was taken.</summary>
    public WebhookProgress Delivered(long seq, DateTimeOffset now) => this with
    {
        After = seq,
        Failures = 0,
        Refusals = 0,
        FailingSince = null,
        NextAt = now,
        Error = null,
        DeliveredAt = now,
    };

    /// <summary>
    /// After an entry that was given up: the next is tried at once, unless the receiver is not there. That nothing gets through is remembered
    /// until something does.
    /// </summary>
    public WebhookProgress GivenUp(long seq, DateTimeOffset now) =>
        Refusals >= RefusalsMax ? this with { After = seq, Failures = 0, Refusals = 0, NextAt = now } : this with { After = seq };

    /// <summary>After a try that failed.</summary>
    /// <param name="now">Now.</param>
    /// <param name="isRefusal">Whether the receiver was there and refused.</param>
    /// <param name="error">Why it failed.</param>
    /// <param name="wait">How long to wait before the next.</param>
    public WebhookProgress Failed(DateTimeOffset now, bool isRefusal, string error, TimeSpan wait) => this with
    {
        Failures = Failures + 1,
        Refusals = Refusals + (isRefusal ? 1 : 0),
        FailingSince = FailingSince ?? now,
        NextAt = now + wait,
        Error = error,
    };
}
