using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>A grain timer; each tick is a request that waits its turn like a call.</summary>
internal sealed partial class GrainTimer : Request, IGrainTimer
{
    private readonly Activation _activation;
    private readonly Func<CancellationToken, Task> _callback;
    private readonly bool _interleave;
    private readonly bool _keepAlive;
    private readonly CancellationTokenSource _disposal = new();
    private readonly Lock _gate = new();
    private readonly ITimer _clock;
    private TimeSpan _dueTime;
    private TimeSpan _period;
    private bool _ticking;
    private bool _changed;

    private GrainTimer(Activation activation, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        (_activation, _callback, _interleave, _keepAlive) = (activation, callback, options.Interleave, options.KeepAlive);

        // The timer outlives the call that makes it: what that call has in async locals is none of its business.
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
        {
            _clock = activation.Time.CreateTimer(
                static state => ((GrainTimer)state!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    public override bool AlwaysInterleave => _interleave;

    public override bool KeepsAlive => _keepAlive;

    public override bool Abandoned => _disposal.IsCancellationRequested;

    public static GrainTimer Register(Activation activation, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        activation.CheckAccess();
        var timer = new GrainTimer(activation, callback, options);
        activation.AddTimer(timer);
        timer.Change(options.DueTime, options.Period);
        return timer;
    }

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        Check(dueTime, nameof(dueTime));
        Check(period, nameof(period));
        lock (_gate)
        {
            (_dueTime, _period, _changed) = (dueTime, period, true);
            if (!_ticking && !_disposal.IsCancellationRequested)
            {
                _clock.Change(dueTime, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose()
    {
        if (!_disposal.IsCancellationRequested)
        {
            _disposal.Cancel();
            _clock.Dispose();
            _activation.RemoveTimer(this);
        }
    }

    public override async Task RunAsync(SerialTarget target)
    {
        _changed = false;
        try
        {
            await _callback(_disposal.Token);
        }
        catch (Exception exception)
        {
            Log.CallbackFailed(_activation.Silo.Logger, _activation.GrainId, exception);
            _activation.Blame(exception);
        }

        lock (_gate)
        {
            _ticking = false;
            if (!_disposal.IsCancellationRequested)
            {
                _clock.Change(_changed ? _dueTime : _period, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private static void Check(TimeSpan span, string name)
    {
        if (span != Timeout.InfiniteTimeSpan && (span < TimeSpan.Zero || span.TotalMilliseconds > 0xfffffffe))
        {
            throw new ArgumentOutOfRangeException(name, span, "A timer takes a span of at most 49 days, or an infinite one.");
        }
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (_ticking || _disposal.IsCancellationRequested)
            {
                return;
            }

            _ticking = true;
        }

        _activation.TryAdd(this);
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Warning, "A timer callback of {Grain} failed; the timer goes on")]
        public static partial void CallbackFailed(ILogger logger, GrainId grain, Exception exception);
    }
}
