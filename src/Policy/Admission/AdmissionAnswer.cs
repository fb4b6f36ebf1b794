namespace OrleansPolicy.Admission;

/// <summary>
/// The answer to one request for admission. Where several limits apply, the numbers are those of the one that binds: of those that
/// refused the one with the longest wait, else the one that will admit the next such update last.
/// </summary>
/// <param name="Allowed">Whether the tokens were (or, when only asked, could be) taken.</param>
/// <param name="Tokens">Tokens left, with their fraction.</param>
/// <param name="Limit">The bucket's size.</param>
/// <param name="MinIntervalSec">Seconds that must lie between two admitted updates.</param>
/// <param name="TimeUntilNextSec">The same request after exactly this time is admitted, one earlier is not; 0: now.</param>
/// <param name="MaxUpdatesPerMinute">How many tokens a minute refills.</param>
/// <param name="Scope">Whose limit it is: <c>tenant</c>, <c>fleet/NAME</c> or <c>operator/SUBJECT</c>.</param>
/// <param name="LimitedBy">What the next update waits for: <c>updates</c> (a token), <c>interval</c>, <c>queue</c> (those who came before); null: for nothing.</param>
public sealed record AdmissionAnswer(
    bool Allowed,
    double Tokens,
    double Limit,
    double MinIntervalSec,
    double TimeUntilNextSec,
    double MaxUpdatesPerMinute = 10,
    string Scope = UpdateLimits.TenantScope,
    string? LimitedBy = null)
{
    /// <summary><see cref="LimitedBy"/>: the bucket has too few tokens.</summary>
    public const string ByUpdates = "updates";

    /// <summary><see cref="LimitedBy"/>: the last update was admitted too short a time ago.</summary>
    public const string ByInterval = "interval";

    /// <summary><see cref="LimitedBy"/>: others wait, and came before.</summary>
    public const string ByQueue = "queue";
}
