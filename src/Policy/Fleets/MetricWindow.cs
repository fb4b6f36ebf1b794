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
    private readonly List<Slice> slices = [];
    private long widthTicks = TimeSpan.FromMilliseconds(50).Ticks;
    private long forgottenTicks = long.MinValue;

    /// <summary>A window that begins at a moment; what happened before it is not kept.</summary>
    public MetricWindow(DateTimeOffset startsAt) => originTicks = startsAt.UtcTicks;

    /// <summary>When the newest report with at least one decision arrived.</summary>
    public DateTimeOffset? NewestSampleAt { get; private set; }

    /// <summary>Values that were not kept: of a metric beyond <see cref="MetricsMax"/>, not sound, or of a time before the window.</summary>
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
    public ImmutableSortedDictionary<string, MetricValue> Sum(DateTimeOffset from, DateTimeOffset to)
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

        var sums = ImmutableSortedDictionary.CreateBuilder<string, MetricValue>(StringComparer.Ordinal);
        foreach (var (name, slot) in slots)
        {
            // A sum beyond the range of a double is no number to judge by: the metric is missing then.
            if (total.Get(slot) is { Count: > 0, IsSound: true } value)
            {
                sums[name] = value;
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

    /// <summary>The counts and sums of one slice of time, by the metrics' slots.</summary>
    private sealed class Slice(long index)
    {
        private double[] numbers = new double[8];

        public long Index { get; set; } = index;

        public void Add(int slot, double count, double sum)
        {
            if (numbers.Length <= (2 * slot) + 1)
            {
                Array.Resize(ref numbers, Math.Max(2 * numbers.Length, (2 * slot) + 2));
            }

            numbers[2 * slot] += count;
            numbers[(2 * slot) + 1] += sum;
        }

        public void Add(Slice other)
        {
            for (var slot = 0; slot < other.numbers.Length / 2; slot++)
            {
                Add(slot, other.numbers[2 * slot], other.numbers[(2 * slot) + 1]);
            }
        }

        public MetricValue? Get(int slot) =>
            2 * slot < numbers.Length ? new MetricValue(numbers[2 * slot], numbers[(2 * slot) + 1]) : null;
    }
}
