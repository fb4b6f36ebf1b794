namespace OrleansPolicy.Client;

/// <summary>
/// Lines that wait to be put away, in a ring of bytes that is there from the start: a decision copies its line into it and goes on.
/// Where there is no room the loss is counted and, once there is room again, told by a line in the very place of what is missing.
/// </summary>
/// <param name="writer">Writes that line.</param>
/// <param name="bytesMax">The ring.</param>
/// <param name="wakeAt">From how many bytes on whoever takes is woken.</param>
/// <param name="time">The clock, of losses and of sleep.</param>
internal sealed class RecordQueue(RecordWriter writer, int bytesMax, int wakeAt, TimeProvider time)
{
    private readonly object _lock = new();
    private readonly byte[] _ring = new byte[bytesMax];
    private readonly Wakeup _taker = new(time);
    private int _head;
    private int _used;
    private long _recorded;
    private long _lost;
    private Gap? _gap;
    private bool _closed;

    public long Recorded => Interlocked.Read(ref _recorded);

    public long Lost => Interlocked.Read(ref _lost);

    public int Used => Volatile.Read(ref _used);

    /// <summary>Whether there is enough to take it at once.</summary>
    public bool IsDue => Used >= wakeAt;

    /// <summary>Told of the first loss after none.</summary>
    public Action? OnLoss { get; set; }

    /// <summary>Puts a line in. False: there was no room for it, also not after waiting; it is counted.</summary>
    public bool TryAppend(ReadOnlySpan<byte> line, TimeSpan wait)
    {
        if (TryPut(line, wait))
        {
            return true;
        }

        Lose(1);
        return false;
    }

    /// <summary>Counts records that were taken and could not be put away.</summary>
    public void Lose(long count)
    {
        if (count == 0)
        {
            return;
        }

        var now = time.GetUtcNow();
        bool isFirst;
        lock (_lock)
        {
            isFirst = _gap is null;
            _gap = new Gap((_gap?.Count ?? 0) + count, _gap?.From ?? now, now);
        }

        Interlocked.Add(ref _lost, count);
        if (isFirst)
        {
            OnLoss?.Invoke();
        }
    }

    /// <summary>Whole lines, at most so many bytes; empty: there are none.</summary>
    public byte[] Take(int bytesMaxTaken)
    {
        lock (_lock)
        {
            TellGap(0);
            var length = _used <= bytesMaxTaken ? _used : LastLineEnd(bytesMaxTaken);
            var taken = new byte[length];
            var first = Math.Min(length, _ring.Length - _head);
            _ring.AsSpan(_head, first).CopyTo(taken);
            _ring.AsSpan(0, length - first).CopyTo(taken.AsSpan(first));
            _head = (_head + length) % _ring.Length;
            _used -= length;
            Monitor.PulseAll(_lock);
            return taken;
        }
    }

    /// <summary>Sleeps until there is enough to take, or for so long.</summary>
    public Task SleepAsync(TimeSpan longest, CancellationToken cancellationToken) => _taker.SleepAsync(longest, cancellationToken);

    public void Wake() => _taker.Wake();

    /// <summary>Takes nothing more in: what comes now is lost, and counted.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }

    private bool TryPut(ReadOnlySpan<byte> line, TimeSpan wait)
    {
        var started = wait > TimeSpan.Zero ? time.GetTimestamp() : 0;
        lock (_lock)
        {
            while (!TellGap(line.Length) || _ring.Length - _used < line.Length)
            {
                var left = wait > TimeSpan.Zero ? wait - time.GetElapsedTime(started) : TimeSpan.Zero;
                if (left <= TimeSpan.Zero || _closed || !Monitor.Wait(_lock, left))
                {
                    return false;
                }
            }

            if (_closed)
            {
                return false;
            }

            var before = _used;
            Put(line);
            if (before < wakeAt && _used >= wakeAt)
            {
                _taker.Wake();
            }
        }

        Interlocked.Increment(ref _recorded);
        return true;
    }

    // What was lost stands before what came after it. False: there is still no room for both.
    private bool TellGap(int lineLength)
    {
        if (_gap is not { } gap)
        {
            return true;
        }

        if (_ring.Length - _used < RecordWriter.LossBytesMax + lineLength)
        {
            return false;
        }

        Put(writer.WriteLoss(gap.Count, gap.From, gap.To));
        _gap = null;
        return true;
    }

    private void Put(ReadOnlySpan<byte> line)
    {
        var tail = (_head + _used) % _ring.Length;
        var first = Math.Min(line.Length, _ring.Length - tail);
        line[..first].CopyTo(_ring.AsSpan(tail));
        line[first..].CopyTo(_ring);
        _used += line.Length;
    }

    // A line is much shorter than what is taken, so there is an end of one.
    private int LastLineEnd(int from)
    {
        var length = from;
        while (_ring[(_head + length - 1) % _ring.Length] != (byte)'\n')
        {
            length--;
        }

        return length;
    }

    private sealed record Gap(long Count, DateTimeOffset From, DateTimeOffset To);
}
