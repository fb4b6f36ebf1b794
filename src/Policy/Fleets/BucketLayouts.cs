using System.Collections.Immutable;

namespace OrleansPolicy.Fleets;

/// <summary>
/// Where the buckets of histograms are added up. Nodes of one version report the same bounds, so bounds are read once and known again by
/// their texts; where versions differ each has its own cells, and their histograms are joined only when they are asked for.
/// </summary>
internal sealed class BucketLayouts
{
    /// <summary>The most cells: what a slice of time may take.</summary>
    public const int CellsMax = 2_048;

    private readonly Dictionary<int, List<Layout>> layouts = [];
    private int cells;

    /// <summary>The cells of a metric's buckets, in the order of the buckets; null: the bounds are no numbers, or there is no room.</summary>
    public ReadOnlySpan<int> CellsOf(int slot, ImmutableSortedDictionary<string, double> buckets)
    {
        if (!layouts.TryGetValue(slot, out var known))
        {
            layouts.Add(slot, known = []);
        }

        foreach (var layout in known)
        {
            if (layout.Fits(buckets))
            {
                return layout.Cells;
            }
        }

        if (cells + buckets.Count > CellsMax || Read(buckets) is not { } read)
        {
            return [];
        }

        known.Add(read);
        cells += buckets.Count;
        return read.Cells;
    }

    /// <summary>A metric's histogram over all layouts: what lies in a bucket of one counts at that bucket's bound in all.</summary>
    public ImmutableArray<MetricBucket> Join(int slot, Func<int, double> valueOf)
    {
        if (!layouts.TryGetValue(slot, out var known))
        {
            return [];
        }

        var counts = new SortedDictionary<double, double>();
        foreach (var layout in known)
        {
            var below = 0.0;
            foreach (var (bound, cell) in layout.Rising)
            {
                // What is said to be cumulative and falls is taken as level.
                var upTo = Math.Max(below, valueOf(cell));
                counts[bound] = counts.GetValueOrDefault(bound) + upTo - below;
                below = upTo;
            }
        }

        var total = 0.0;
        return [.. counts.Where(pair => double.IsFinite(pair.Key)).Select(pair => new MetricBucket(pair.Key, total += pair.Value))];
    }

    private Layout? Read(ImmutableSortedDictionary<string, double> buckets)
    {
        var rising = new List<(double Bound, int Cell)>();
        foreach (var name in buckets.Keys)
        {
            if (ReportRules.ReadBound(name) is not { } bound)
            {
                return null;
            }

            rising.Add((bound, cells + rising.Count));
        }

        int[] own = [.. rising.Select(pair => pair.Cell)];
        return new Layout([.. buckets.Keys], own, [.. rising.OrderBy(pair => pair.Bound)]);
    }

    private sealed record Layout(string[] Names, int[] Cells, ImmutableArray<(double Bound, int Cell)> Rising)
    {
        public bool Fits(ImmutableSortedDictionary<string, double> buckets)
        {
            if (buckets.Count != Names.Length)
            {
                return false;
            }

            var i = 0;
            foreach (var (name, _) in buckets)
            {
                if (!string.Equals(name, Names[i++], StringComparison.Ordinal))
                {
                    return false;
                }
            }

            return true;
        }
    }
}
