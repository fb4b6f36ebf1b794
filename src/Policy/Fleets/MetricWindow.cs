using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace OrleansPolicy.Fleets;

/// <summary>
/// Sums of metrics over time, of bounded size: what many nodes reported, in slices of time. It begins with slices of 50 ms and makes
/// them twice as wide whenever the time it must keep no longer fits, so that the same window serves seconds and months, with an
/// error of a slice at its edges (below one part in 256). Not safe for several threads; a new stage begins with a new one.
/// </summary>
public sealed class MetricWindow
{
    /// <summary>The most slices of time that are kept.</summary>
    public const int SlicesMax = 512;

    /// <summary>The most metric names that are kept; further ones are dropped and counted.</summary>
    public const int MetricsMax = 256;

    /// <summary>The metric that counts decisions: one decision is one sample.</summary>
    public const string Decisions = "decisions";

    private readonly long originTicks;
    private readonly Dictionary<string, int> slots = new(StringComparer.Ordinal);
    private readonly BucketLayouts layouts = new();
    private readonly List<Slice> slices = [];
    private long widthTicks = TimeSpan.FromMilliseconds(50).Ticks;
    private long forgottenTicks = long.MinValue;

    /// <summary>A window that begins at a moment; what happened before it is not kept.</summary>
    public MetricWindow(DateTimeOffset startsAt) => originTicks = startsAt.UtcTicks;

    /// <summary>When the newest report with at least one decision arrived.</summary>
    public DateTimeOffset? NewestSampleAt { get; private set; }

    /// <summary>
    /// Values that were not kept: of a metric beyond <see cref="MetricsMax"/>, not sound, or of a time before the window; and histograms whose
    /// bounds are no numbers, or for which there is no room.
    /// </summary>
    public long Dropped { get; private set; }

    /// <summary>How wide a slice is now.</summary>
    public TimeSpan SliceWidth => new(widthTicks);

    /// <summary>How many slices are kept now.</summary>
    public int SliceCount => slices.Count;

    /// <summary>Adds what one node reported (or several, summed).</summary>
    public void Add(DateTimeOffset at, ImmutableSortedDictionary<string, MetricValue> metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        if (metrics.Count == 0)
        {
            return;
        }

        var ticks = at.UtcTicks - originTicks;
        if (ticks < 0 || at.UtcTicks < forgottenTicks)
        {
            Dropped += metrics.Count;
            return;
        }

        var values = SliceAt(ticks);
        foreach (var (name, value) in metrics)
        {
            if (!value.IsSound || !TrySlot(name, out var slot))
            {
                Dropped++;
                continue;
            }

            values.Add(slot, value.Count, value.Sum);
            if (value.Buckets is { Count: > 0 } buckets)
            {
                AddBuckets(values, slot, buckets);
            }

            if (value.Count > 0 && name == Decisions && !(at <= NewestSampleAt))
            {
                NewestSampleAt = at;
            }
        }
    }

    /// <summary>
    /// The sums of what arrived from one moment to another. A slice that began before <paramref name="from"/> is left out whole: what
    /// happened before never counts.
    /// </summary>
    public ImmutableSortedDictionary<string, MetricTotal> Sum(DateTimeOffset from, DateTimeOffset to)
    {
        var total = new Slice(0);
        foreach (var slice in slices)
        {
            var start = originTicks + (slice.Index * widthTicks);
            if (start >= from.UtcTicks && start <= to.UtcTicks)
            {
                total.Add(slice);
            }
        }

        var sums = ImmutableSortedDictionary.CreateBuilder<string, MetricTotal>(StringComparer.Ordinal);
        foreach (var (name, slot) in slots)
        {
            // A sum beyond the range of a double is no number to judge by: the metric is missing then.
            if (total.Get(slot) is { Count: > 0, IsSound: true } value)
            {
                sums[name] = layouts.Join(slot, total.GetCell) is { IsEmpty: false } buckets ? value with { Buckets = buckets } : value;
            }
        }

        return sums.ToImmutable();
    }

    /// <summary>Forgets what lies before a moment: only sums from there on will be asked for.</summary>
    public void Forget(DateTimeOffset before)
    {
        forgottenTicks = Math.Max(forgottenTicks, before.UtcTicks);
        slices.RemoveAll(slice => originTicks + ((slice.Index + 1) * widthTicks) <= forgottenTicks);
    }

    private void AddBuckets(Slice slice, int slot, ImmutableSortedDictionary<string, double> buckets)
    {
        var cells = layouts.CellsOf(slot, buckets);
        if (cells.IsEmpty)
        {
            Dropped++;
            return;
        }

        var i = 0;
        foreach (var (_, count) in buckets)
        {
            slice.AddCell(cells[i++], count);
        }
    }

    private bool TrySlot(string name, out int slot)
    {
        if (slots.TryGetValue(name, out slot))
        {
            return true;
        }

        if (slots.Count == MetricsMax)
        {
            return false;
        }

        slot = slots.Count;
        slots.Add(name, slot);
        return true;
    }

    private Slice SliceAt(long ticks)
    {
        var index = ticks / widthTicks;

        // Nearly always the newest slice: reports come in the order of time.
        var at = slices.Count - 1;
        while (at >= 0 && slices[at].Index > index)
        {
            at--;
        }

        if (at >= 0 && slices[at].Index == index)
        {
            return slices[at];
        }

        if (slices.Count == SlicesMax)
        {
            Widen();
            return SliceAt(ticks);
        }

        var slice = new Slice(index);
        slices.Insert(at + 1, slice);
        return slice;
    }

    private void Widen()
    {
        widthTicks *= 2;
        var kept = 0;
        foreach (var slice in CollectionsMarshal.AsSpan(slices))
        {
            slice.Index /= 2;
            if (kept > 0 && slices[kept - 1].Index == slice.Index)
            {
                slices[kept - 1].Add(slice);
            }
            else
            {
                slices[kept++] = slice;
            }
        }

        slices.RemoveRange(kept, slices.Count - kept);
    }

    /// <summary>What one slice of time adds up to: four numbers for each metric's slot, one for each bucket's cell.</summary>
    private sealed class Slice(long index)
    {
        private const int NumbersEach = 4;
        private double[] numbers = new double[NumbersEach * NumbersEach];
        private double[] cells = [];

        public long Index { get; set; } = index;

        public void Add(int slot, double count, double sum)
        {
            if (count > 0)
            {
                Add(slot, count, sum, 1, sum * sum / count);
            }
        }

        public void AddCell(int cell, double count)
        {
            Grow(ref cells, cell + 1);
            cells[cell] += count;
        }

        public void Add(Slice other)
        {
            for (var at = 0; at < other.numbers.Length; at += NumbersEach)
            {
                Add(at / NumbersEach, other.numbers[at], other.numbers[at + 1], other.numbers[at + 2], other.numbers[at + 3]);
            }

            for (var cell = 0; cell < other.cells.Length; cell++)
            {
                AddCell(cell, other.cells[cell]);
            }
        }

        public MetricTotal? Get(int slot) => NumbersEach * slot is var at && at < numbers.Length
            ? new MetricTotal(numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3])
            : null;

        public double GetCell(int cell) => cell < cells.Length ? cells[cell] : 0;

        private void Add(int slot, double count, double sum, double reports, double spread)
        {
            var at = NumbersEach * slot;
            Grow(ref numbers, at + NumbersEach);
            numbers[at] += count;
            numbers[at + 1] += sum;
            numbers[at + 2] += reports;
            numbers[at + 3] += spread;
        }

        private static void Grow(ref double[] array, int length)
        {
            if (array.Length < length)
            {
                Array.Resize(ref array, Math.Max(2 * array.Length, length));
            }
        }
    }
}
