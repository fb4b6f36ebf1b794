using System.Collections.Immutable;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// What a node refuses because it must not serve, counted by reason with the last instance of each. Refusing costs a look at one
/// reference and two counters, however many requests are refused; the counters only rise, a report carries the difference.
/// </summary>
internal sealed class RefusalCounts(TimeProvider time)
{
    // The first refusal after a pause is told at once, the others with the next report: a node that refuses everything does not report all the time.
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Cell[] _cells = [];
    private long _total;
    private long _toldAt = long.MinValue;

    /// <summary>Since the start.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Counts one. True: nothing was told for a while, so this is worth an early report.</summary>
    public bool Add(Decision refusal, NodeSnapshot now)
    {
        Interlocked.Increment(ref _total);
        CellOf(refusal.Reason).Add(now, time.GetUtcNow());
        var at = time.GetTimestamp();
        var told = Interlocked.Read(ref _toldAt);
        return (told == long.MinValue || time.GetElapsedTime(told, at) >= TellEvery) && Interlocked.CompareExchange(ref _toldAt, at, told) == told;
    }

    /// <summary>How many there are of each reason.</summary>
    public ImmutableSortedDictionary<string, long> Read() =>
        Volatile.Read(ref _cells).ToImmutableSortedDictionary(cell => cell.Reason, cell => cell.Count, StringComparer.Ordinal);

    /// <summary>What a report carries.</summary>
    public ImmutableArray<RejectedDecisions> Between(ImmutableSortedDictionary<string, long> before, ImmutableSortedDictionary<string, long> now)
    {
        var rejected = ImmutableArray.CreateBuilder<RejectedDecisions>();
        foreach (var cell in Volatile.Read(ref _cells))
        {
            var count = now.GetValueOrDefault(cell.Reason) - before.GetValueOrDefault(cell.Reason);
            if (count > 0 && rejected.Count < ReportRules.RejectionsMax)
            {
                var last = cell.Last;
                rejected.Add(new RejectedDecisions(cell.Reason, count, last.WantedHash, last.Policy?.PolicyHash, cell.LastAt));
            }
        }

        return rejected.ToImmutable();
    }

    // A reason is seldom new: reading takes no lock.
    private Cell CellOf(string reason)
    {
        foreach (var cell in Volatile.Read(ref _cells))
        {
            if (ReferenceEquals(cell.Reason, reason) || cell.Reason == reason)
            {
                return cell;
            }
        }

        lock (_lock)
        {
            if (Array.Find(_cells, cell => cell.Reason == reason) is { } known)
            {
                return known;
            }

            var added = new Cell(reason);
            Volatile.Write(ref _cells, [.. _cells, added]);
            return added;
        }
    }

    private sealed class Cell(string reason)
    {
        private long _count;
        private long _lastTicks;
        private volatile NodeSnapshot _last = NodeSnapshot.Initial;

        public string Reason => reason;

        public long Count => Interlocked.Read(ref _count);

        public NodeSnapshot Last => _last;

        public DateTimeOffset LastAt => new(Interlocked.Read(ref _lastTicks), TimeSpan.Zero);

        public void Add(NodeSnapshot now, DateTimeOffset at)
        {
            _last = now;
            Interlocked.Exchange(ref _lastTicks, at.UtcTicks);
            Interlocked.Increment(ref _count);
        }
    }
}
