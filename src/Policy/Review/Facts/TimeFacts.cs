using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>Time windows of one zone: whether a minute of the week is left.</summary>
internal static class TimeFacts
{
    public const int MinutesPerDay = 24 * 60;

    public static bool AreImpossible(List<Fact> facts)
    {
        foreach (var day in Enum.GetValues<DayOfWeek>())
        {
            for (var minute = 0; minute < MinutesPerDay; minute++)
            {
                if (facts.TrueForAll(f => ((TimeWindowCondition)f.Leaf).HoldsAt(day, minute) == (f.Outcome == Truth.Yes)))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
