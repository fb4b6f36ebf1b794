namespace Orleans.Embedded;

/// <summary>
/// A clock that stands still until it is told to go on. Timers fire in the order of their times and, at the same time, of
/// their setting.
/// </summary>
public sealed class VirtualTime(DateTimeOffset start) : TimeProvider
{
    private readonly PriorityQueue<VirtualTimer, (long Due, long Order)> _timers = new();
    private long _elapsed;
    private long _lastOrder;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Since the start.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(_elapsed);

    public override DateTimeOffset GetUtcNow() => start.AddTicks(_elapsed);

    public override long GetTimestamp() => _elapsed;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Goes to the next timer and fires it. False: none is set up to <paramref name="limit"/>.</summary>
    public bool FireNext(TimeSpan limit)
    {
        while (_timers.TryPeek(out var timer, out var at) && at.Due <= limit.Ticks)
        {
            _timers.Dequeue();
            if (timer.IsSetFor(at.Order))
            {
                _elapsed = Math.Max(_elapsed, at.Due);
                timer.Fire();
                return true;
            }
        }

        return false;
    }

    private sealed class VirtualTimer(VirtualTime time, TimerCallback callback, object? state) : ITimer
    {
        private long _order;
        private TimeSpan _period;

        public bool IsSetFor(long order) => _order == order;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            _order = ++time._lastOrder;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                time._timers.Enqueue(this, (time._elapsed + dueTime.Ticks, _order));
            }

            return true;
        }

        public void Fire()
        {
            if (_period > TimeSpan.Zero)
            {
                Change(_period, _period);
            }
            else
            {
                _order = 0;
            }

            callback(state);
        }

        public void Dispose() => _order = 0;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
