using System.Globalization;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// Holds from one time of day to another, both ends included at the resolution of a minute; a start after the end crosses
/// midnight. Where days are named, a window that crosses midnight belongs to the day on which it begins.
/// </summary>
internal sealed class TimeWindowCondition(int startMinute, int endMinute, TimeZoneInfo zone, string zoneName, int days) : Condition
{
    /// <summary>A bit for each day, Sunday first, as <see cref="DayOfWeek"/> counts.</summary>
    public const int EveryDay = 0b111_1111;

    private const int MinutesPerHour = 60;

    public TimeZoneInfo Zone => zone;

    public string ZoneName => zoneName;

    public override string Text => string.Create(CultureInfo.InvariantCulture, $"time is {startMinute / MinutesPerHour:00}:{startMinute % MinutesPerHour:00} to {endMinute / MinutesPerHour:00}:{endMinute % MinutesPerHour:00} {zoneName}")
        + (days == EveryDay ? "" : " on " + string.Join(", ", Enum.GetValues<DayOfWeek>().Where(d => IsOn(d))));

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        var local = TimeZoneInfo.ConvertTime(evaluation.Now, zone);
        return HoldsAt(local.DayOfWeek, (local.Hour * MinutesPerHour) + local.Minute) ? Truth.Yes : Truth.No;
    }

    /// <summary>Whether the window is open at a minute of a day on the zone's clocks.</summary>
    public bool HoldsAt(DayOfWeek today, int minute)
    {
        if (startMinute <= endMinute)
        {
            return IsOn(today) && startMinute <= minute && minute <= endMinute;
        }

        var yesterday = (DayOfWeek)(((int)today + 6) % 7);
        return (IsOn(today) && minute >= startMinute) || (IsOn(yesterday) && minute <= endMinute);
    }

    private bool IsOn(DayOfWeek day) => (days & (1 << (int)day)) != 0;
}
