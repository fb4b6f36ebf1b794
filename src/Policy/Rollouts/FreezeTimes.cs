namespace OrleansPolicy.Rollouts;

/// <summary>
/// When a window is there. Where clocks are put forward a time that no clock shows is the moment of the change. Where they are put back
/// and show a time twice, a window that denies begins at the first and ends at the second, one that allows the other way round: in doubt
/// a rollout stands still.
/// </summary>
public static class FreezeTimes
{
    private const int DaysOfWeek = 7;

    // Local times of one instant in one zone differ by less than this, whatever its clocks did.
    private static readonly TimeSpan ClockChangeMax = TimeSpan.FromDays(2);

    /// <summary>The times it is there that have not ended, in order; endless where it comes again for ever.</summary>
    public static IEnumerable<FreezeSpan> From(FreezeWindow window, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(window);
        return Enumerate(window, TimeZones.Find(window.Zone), at);
    }

    private static IEnumerable<FreezeSpan> Enumerate(FreezeWindow window, TimeZoneInfo zone, DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone).DateTime;
        foreach (var (starts, ends) in Local(window, local - ClockChangeMax))
        {
            var (from, to) = window.Kind == FreezeKind.Deny
                ? (First(zone, starts), Last(zone, ends))
                : (Last(zone, starts), First(zone, ends));
            if (to > at && to > from)
            {
                yield return new FreezeSpan(from, to);
            }
        }
    }

    // All that end after a local time, in order. A window does not overlap itself, so they end in the order in which they begin.
    private static IEnumerable<(DateTime Starts, DateTime Ends)> Local(FreezeWindow window, DateTime after)
    {
        var all = window.Repeats switch
        {
            FreezeRepeat.Never => [(window.Starts, window.Ends)],
            FreezeRepeat.Weekly => Weekly(window, after),
            FreezeRepeat.Yearly => Yearly(window, after),
            _ => throw new InvariantViolationException($"{window.Repeats} is not one of the repetitions."),
        };
        return all.TakeWhile(one => window.Until is not { } until || one.Starts < until).Where(one => one.Ends > after);
    }

    private static IEnumerable<(DateTime Starts, DateTime Ends)> Weekly(FreezeWindow window, DateTime after)
    {
        var length = window.Ends - window.Starts;
        var offsets = DayOffsets(window);
        var weeks = Math.Max(0, (int)((after - window.Starts - length).TotalDays / DaysOfWeek) - 1);
        for (var first = window.Starts.AddDays(weeks * DaysOfWeek); ; first = first.AddDays(DaysOfWeek))
        {
            foreach (var offset in offsets)
            {
                yield return (first.AddDays(offset), first.AddDays(offset) + length);
            }
        }
    }

    private static IEnumerable<(DateTime Starts, DateTime Ends)> Yearly(FreezeWindow window, DateTime after)
    {
        for (var years = Math.Max(0, after.Year - window.Ends.Year - 1); ; years++)
        {
            yield return (window.Starts.AddYears(years), window.Ends.AddYears(years));
        }
    }

    /// <summary>On how many days after its first it begins in a week, in order.</summary>
    internal static IReadOnlyList<int> DayOffsets(FreezeWindow window) => window.Days.IsEmpty
        ? [0]
        : [.. window.Days.Select(day => (day - window.Starts.DayOfWeek + DaysOfWeek) % DaysOfWeek).Order()];

    private static DateTimeOffset First(TimeZoneInfo zone, DateTime local) => Instant(zone, local, static offsets => offsets.Max());

    private static DateTimeOffset Last(TimeZoneInfo zone, DateTime local) => Instant(zone, local, static offsets => offsets.Min());

    private static DateTimeOffset Instant(TimeZoneInfo zone, DateTime local, Func<TimeSpan[], TimeSpan> choose)
    {
        // Clocks change by whole minutes, at whole minutes.
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(1);
        }

        var offset = zone.IsAmbiguousTime(local) ? choose(zone.GetAmbiguousTimeOffsets(local)) : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }
}
