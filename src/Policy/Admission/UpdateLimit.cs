namespace OrleansPolicy.Admission;

/// <summary>How often somebody may update policy.</summary>
/// <param name="MaxUpdatesPerMinute">The bucket's size (at least one token), and how many tokens a minute refills. 0.001 to 60,000, default 10.</param>
/// <param name="MinIntervalSec">Seconds that must lie between two admitted updates. 0 to 86,400, default 6.</param>
public sealed record UpdateLimit(double MaxUpdatesPerMinute = 10, double MinIntervalSec = 6);
