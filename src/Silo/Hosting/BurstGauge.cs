namespace OrleansPolicy.Silo.Hosting;

/// <summary>
/// Tells when a burst is over that left the heap much larger than what lives in it. A process that is busy all the time, or whose
/// heap is what it needs, is never told so.
/// </summary>
internal sealed class BurstGauge
{
    /// <summary>So many times what was left by the last trim may be held.</summary>
    public const double HeldMax = 1.5;

    /// <summary>What is not worth a pause.</summary>
    public const long SlackMin = 64 * 1024 * 1024;

    private long _left;
    private long _busiest;

    /// <summary>Notes a tick. True: the heap is worth a trim, and now is the time.</summary>
    /// <param name="held">Bytes that the heap holds of the machine's memory.</param>
    /// <param name="allocated">Bytes allocated since the last tick.</param>
    public bool IsOver(long held, long allocated)
    {
        _left = _left == 0 ? held : Math.Min(_left, held);
        _busiest = Math.Max(_busiest, allocated);
        return held > _left * HeldMax && held - _left > SlackMin && allocated < _busiest / 2;
    }

    /// <summary>Begins anew after a trim.</summary>
    /// <param name="held">What was left.</param>
    public void Trimmed(long held) => (_left, _busiest) = (held, 0);
}
