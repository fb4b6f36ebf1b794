namespace OrleansPolicy.Rollouts;

/// <summary>The targets of a plan that says how it grows instead of each stage: the first and the last are exactly as given.</summary>
internal static class PlanGrowth
{
    /// <summary>By equal steps, or by equal factors. At least two stages, the last above the first, and the first above 0 where it grows by a factor.</summary>
    public static IEnumerable<decimal> Targets(IncrementPolicy policy, int stages, decimal first, decimal last)
    {
        for (var i = 0; i < stages - 1; i++)
        {
            yield return i == 0 ? first
                : policy == IncrementPolicy.Linear ? first + ((last - first) * i / (stages - 1))
                : (decimal)((double)first * Math.Pow((double)last / (double)first, (double)i / (stages - 1)));
        }

        yield return last;
    }
}
