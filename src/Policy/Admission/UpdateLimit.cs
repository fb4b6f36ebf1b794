namespace OrleansPolicy.Admission;

/// <summary>How often a tenant may update its policy.</summary>
/// <param name="MaxUpdatesPerMinute">The bucket's size (at least one token), and how many tokens a minute refills. 0.001 to 60,000, default 10.</param>
/// <param name="MinIntervalSec">Seconds that must lie between two admitted updates. 0 to 86,400, default 6.</param>
public sealed record UpdateLimit(double MaxUpdatesPerMinute = 10, double MinIntervalSec = 6);

/// <summary>The answer to one request for admission.</summary>
/// <param name="Allowed">Whether a token was (or, when only asked, could be) taken.</param>
/// <param name="Tokens">Tokens left, with their fraction.</param>
/// <param name="Limit">The bucket's size.</param>
/// <param name="MinIntervalSec">Seconds that must lie between two admitted updates.</param>
/// <param name="TimeUntilNextSec">A request after exactly this time is admitted, one earlier is not; 0: now.</param>
public sealed record AdmissionAnswer(bool Allowed, double Tokens, double Limit, double MinIntervalSec, double TimeUntilNextSec);
