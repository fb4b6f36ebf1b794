using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>Networks that an address must be in or must not be in: whether an address is left.</summary>
internal static class NetworkFacts
{
    public static bool AreImpossible(IReadOnlyList<(CidrTest Test, Truth Outcome)> facts) =>
        AreImpossible(facts, isV4: true, uint.MaxValue) && AreImpossible(facts, isV4: false, UInt128.MaxValue);

    private static bool AreImpossible(IReadOnlyList<(CidrTest Test, Truth Outcome)> facts, bool isV4, UInt128 last)
    {
        List<(UInt128 First, UInt128 Last)> left = [(0, last)];
        foreach (var (test, outcome) in facts)
        {
            var ranges = test.Ranges.Where(r => r.IsV4 == isV4).Select(r => (First: r.Start, Last: r.Start | (last & ~r.Mask))).ToArray();
            left = outcome == Truth.Yes
                ? [.. left.SelectMany(l => ranges.Select(r => (First: UInt128.Max(l.First, r.First), Last: UInt128.Min(l.Last, r.Last)))).Where(r => r.First <= r.Last)]
                : ranges.Aggregate(left, Without);
        }

        return left.Count == 0;
    }

    private static List<(UInt128 First, UInt128 Last)> Without(List<(UInt128 First, UInt128 Last)> ranges, (UInt128 First, UInt128 Last) gone)
    {
        var left = new List<(UInt128, UInt128)>();
        foreach (var (first, last) in ranges)
        {
            if (gone.Last < first || gone.First > last)
            {
                left.Add((first, last));
                continue;
            }

            if (first < gone.First)
            {
                left.Add((first, gone.First - 1));
            }

            if (last > gone.Last)
            {
                left.Add((gone.Last + 1, last));
            }
        }

        return left;
    }
}
