using Orleans.Embedded;

namespace Orleans.Runtime;

/// <summary>
/// The calls of one participant that wait for an answer. One timer looks through them: a timer for each call would cost
/// more than the call.
/// </summary>
internal sealed class PendingCalls : ITurn, IDisposable
{
    private const int Shards = 16;
    private static readonly TimeSpan s_finestPeriod = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_coarsestPeriod = TimeSpan.FromSeconds(1);

    private readonly Shard[] _shards = [.. Enumerable.Range(0, Shards).Select(_ => new Shard())];
    private readonly TimeProvider _time;
    private readonly TurnScheduler _scheduler;
    private readonly ITimer _timer;
    private long _periodTicks = s_coarsestPeriod.Ticks;
    private int _armed;
    private bool _closed;

    public PendingCalls(TimeProvider time, TurnScheduler scheduler)
    {
        _time = time;
        _scheduler = scheduler;
        _timer = time.CreateTimer(static state => ((PendingCalls)state!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Add(GrainCall call, TimeSpan timeout)
    {
        call.Deadline = timeout == Timeout.InfiniteTimeSpan
            ? long.MaxValue
            : _time.GetTimestamp() + (long)(timeout.TotalSeconds * _time.TimestampFrequency);
        var index = Environment.CurrentManagedThreadId % Shards;
        var shard = _shards[index];
        lock (shard)
        {
            call.PendingShard = index;
            shard.Add(call);
        }

        if (timeout.Ticks / 5 < Volatile.Read(ref _periodTicks))
        {
            Volatile.Write(ref _periodTicks, Math.Max(s_finestPeriod.Ticks, timeout.Ticks / 5));
            Volatile.Write(ref _armed, 0);
        }

        if (Volatile.Read(ref _armed) == 0 && Interlocked.Exchange(ref _armed, 1) == 0)
        {
            Arm();
        }
    }

    public void Remove(GrainCall call)
    {
        if (call.PendingShard < 0)
        {
            return;
        }

        var shard = _shards[call.PendingShard];
        lock (shard)
        {
            shard.Remove(call);
        }
    }

    /// <summary>The calls that went to somebody who is gone now.</summary>
    public List<GrainCall> To(Participant gone) => Where(call => call.Target?.Home == gone);

    public List<GrainCall> All() => Where(static _ => true);

    public void Dispose()
    {
        _closed = true;
        _timer.Dispose();
    }

    private void Arm()
    {
        if (!_closed)
        {
            _timer.Change(TimeSpan.FromTicks(Volatile.Read(ref _periodTicks)), Timeout.InfiniteTimeSpan);
        }
    }

    private void Wake() => _scheduler.Enqueue(this);

    /// <summary>Answers in a turn, so that no caller's code runs in the midst of it.</summary>
    void ITurn.Run()
    {
        var now = _time.GetTimestamp();
        foreach (var call in Where(call => call.Deadline <= now))
        {
            var timeout = call.Method.ResponseTimeout ?? call.Caller.ResponseTimeout;
            call.Abandon(new TimeoutException($"No response to {call} within {timeout}."));
        }

        // Idle: the next call winds the clock again. It may come between the look and the mark, hence the second look.
        if (Array.TrueForAll(_shards, shard => shard.First is null))
        {
            Volatile.Write(ref _armed, 0);
            if (Array.TrueForAll(_shards, shard => shard.First is null) || Interlocked.Exchange(ref _armed, 1) != 0)
            {
                return;
            }
        }

        Arm();
    }

    private List<GrainCall> Where(Func<GrainCall, bool> condition)
    {
        var found = new List<GrainCall>();
        foreach (var shard in _shards)
        {
            lock (shard)
            {
                for (var call = shard.First; call is not null; call = call.NextPending)
                {
                    if (condition(call))
                    {
                        found.Add(call);
                    }
                }
            }
        }

        return found;
    }

    private sealed class Shard
    {
        public volatile GrainCall? First;

        public void Add(GrainCall call)
        {
            call.NextPending = First;
            if (First is not null)
            {
                First.PreviousPending = call;
            }

            First = call;
        }

        public void Remove(GrainCall call)
        {
            if (call.PreviousPending is not null)
            {
                call.PreviousPending.NextPending = call.NextPending;
            }
            else if (First == call)
            {
                First = call.NextPending;
            }

            if (call.NextPending is not null)
            {
                call.NextPending.PreviousPending = call.PreviousPending;
            }

            call.NextPending = call.PreviousPending = null;
        }
    }
}
