namespace OrleansPolicy.Rollouts;

/// <summary>
/// Units of the numbers in criteria. A metric's own unit is told by the end of its name (<c>_ns</c>, <c>_us</c>, <c>_ms</c>, <c>_s</c>, <c>_sec</c>,
/// <c>_seconds</c>; <c>_percent</c>, <c>_pct</c>, <c>_percentage</c>); a name without such an end is in seconds, or a share of one. A number with a unit is
/// turned into the metric's; a bare number is taken as it is.
/// </summary>
internal static class CriterionUnits
{
    private static readonly (string Unit, double Seconds)[] Times =
    [
        ("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("min", 60), ("h", 3600),
    ];

    private static readonly (string Ending, double Seconds)[] TimeEndings =
    [
        ("_ns", 1e-9), ("_us", 1e-6), ("_ms", 1e-3), ("_s", 1), ("_sec", 1), ("_seconds", 1),
    ];

    private static readonly string[] PercentEndings = ["_percent", "_pct", "_percentage"];

    /// <summary>A time in seconds; null: there is no such unit of time.</summary>
    public static double? Seconds(double number, string unit) => Array.Find(Times, known => known.Unit == unit) is { Unit: not null } given ? number * given.Seconds : null;

    /// <summary>The number in the metric's unit; null: there is no such unit, or it does not fit the metric.</summary>
    public static double? Convert(double number, string unit, string metric)
    {
        var time = Array.Find(TimeEndings, ending => metric.EndsWith(ending.Ending, StringComparison.Ordinal));
        var isPercent = Array.Exists(PercentEndings, ending => metric.EndsWith(ending, StringComparison.Ordinal));
        if (unit == "%")
        {
            // Divided, because 0.01 has no exact double and 5 / 100 is the nearest one to 0.05 while 5 * 0.01 need not be.
            return time.Ending is not null ? null : isPercent ? number : number / 100;
        }

        var given = Array.Find(Times, known => known.Unit == unit);
        if (given.Unit is null || isPercent)
        {
            return null;
        }

        var own = time.Ending is null ? 1 : time.Seconds;
        return given.Seconds >= own ? number * Math.Round(given.Seconds / own) : number / Math.Round(own / given.Seconds);
    }
}
