using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Embedded;
using Orleans.Serialization.Invocation;
using Orleans.Storage;

namespace Orleans.Runtime;

/// <summary>One life of one grain: made by the first call, ended on request, for idleness or with its silo.</summary>
internal sealed partial class Activation : SerialTarget, IGrainContext
{
    private readonly TaskCompletionSource _deactivated = new();
    private readonly HashSet<GrainTimer> _timers = [];
    private readonly AsyncServiceScope _scope;
    private object? _instance;
    private Phase _phase;
    private DeactivationReason _reason;
    private long _lastActive;
    private long _keepUntil;

    public Activation(Silo silo, GrainClass grainClass, GrainId id)
        : base(new TurnScheduler(id.ToString(), silo.Cluster.Sources.Turns))
    {
        Silo = silo;
        Class = grainClass;
        GrainId = id;
        Scheduler.Owner = this;
        _scope = silo.Services.CreateAsyncScope();
        _scope.ServiceProvider.GetRequiredService<ActivationHolder>().Activation = this;
        _lastActive = silo.Clock.GetTimestamp();
    }

    private enum Phase
    {
        Activating,
        Valid,
        Deactivating,
        Ending,
        Gone,
    }

    public Silo Silo { get; }

    public GrainClass Class { get; }

    public GrainId GrainId { get; }

    /// <summary>Rises with every activation of the silo.</summary>
    public long Number { get; set; }

    public override Participant Home => Silo;

    public override object Instance => _instance!;

    public object? GrainInstance => _instance;

    public IServiceProvider ActivationServices => _scope.ServiceProvider;

    public Task Deactivated => _deactivated.Task;

    public TimeProvider Time => Silo.GrainTime;

    protected override bool Open => _phase == Phase.Valid;

    protected override bool Gone => _phase == Phase.Gone;

    /// <summary>Throws where code of a grain runs outside of its turns: it would race with them.</summary>
    public void CheckAccess()
    {
        if (RuntimeContext.Current != this)
        {
            throw new InvalidOperationException($"Code outside of the turns of {this} may not use its state, timers or reminders.");
        }
    }

    public void Start() => Task.Factory.StartNew(
        static state => ((Activation)state!).ActivateAsync(), this, CancellationToken.None, TaskCreationOptions.None, Scheduler);

    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default)
    {
        lock (Gate)
        {
            if (_reason.ReasonCode != DeactivationReasonCode.None || _phase == Phase.Gone)
            {
                return;
            }

            _reason = deactivationReason;
            if (_phase == Phase.Valid)
            {
                _phase = Phase.Deactivating;
            }
        }

        LookAgain();
    }

    public void DelayDeactivation(TimeSpan span)
    {
        var now = Silo.Clock.GetTimestamp();
        _keepUntil = span <= TimeSpan.Zero ? 0
            : span == TimeSpan.MaxValue ? long.MaxValue
            : now + (long)(span.TotalSeconds * Silo.Clock.TimestampFrequency);
    }

    /// <summary>Ends it if nothing has used it for as long as its class allows.</summary>
    public void CollectIfIdle()
    {
        var now = Silo.Clock.GetTimestamp();
        lock (Gate)
        {
            if (Load > 0 || _keepUntil > now || Silo.Clock.GetElapsedTime(_lastActive, now) < Silo.CollectionAgeOf(Class))
            {
                return;
            }
        }

        Deactivate(new DeactivationReason(DeactivationReasonCode.ActivationIdle, "Nothing has called it for a while."));
    }

    public void AddTimer(GrainTimer timer)
    {
        lock (_timers)
        {
            _timers.Add(timer);
        }
    }

    public void RemoveTimer(GrainTimer timer)
    {
        lock (_timers)
        {
            _timers.Remove(timer);
        }
    }

    /// <summary>The crash of its silo: nothing of it runs again, not even what is in the middle of a method.</summary>
    public void Vanish()
    {
        Scheduler.Stop();
        Silo.Cluster.Unregister(this);
        lock (Gate)
        {
            _phase = Phase.Gone;
        }

        DisposeTimers();
        TakeAll();
        _deactivated.TrySetResult();
    }

    public override void Blame(Exception exception)
    {
        // Its copy of the state is stale: the next activation reads the new one.
        if (exception is InconsistentStateException { IsSourceActivation: true } inconsistent)
        {
            // The same exception may reach callers up the chain: their state is not stale.
            inconsistent.IsSourceActivation = false;
            Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationError, exception, "Its state was changed by somebody else."));
        }
    }

    public override string ToString() => $"{GrainId} on {Silo.Name}";

    protected override bool MayInterleave(Request request, Request other) =>
        Class.Interleaves is { } interleaves
        && ((request is IInvokable incoming && interleaves(Instance, incoming)) || (other is IInvokable running && interleaves(Instance, running)));

    protected override void OnCompleted(Request request)
    {
        if (request.KeepsAlive)
        {
            _lastActive = Silo.Clock.GetTimestamp();
        }
    }

    protected override void OnTurnEnded()
    {
        // Nearly always: without the lock, since who changes the phase asks for another turn.
        if (_phase != Phase.Deactivating)
        {
            return;
        }

        lock (Gate)
        {
            if (_phase != Phase.Deactivating || Running > 0)
            {
                return;
            }

            _phase = Phase.Ending;
        }

        _ = FinishAsync();
    }

    private async Task ActivateAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(Silo.ActivationTimeout, Silo.Clock);
            var states = new List<IActivationState>();
            _instance = Create(states);
            foreach (var state in states)
            {
                await state.LoadAsync(limit.Token);
            }

            if (_instance is IGrainBase grain)
            {
                await grain.OnActivateAsync(limit.Token).WaitAsync(limit.Token);
            }

            lock (Gate)
            {
                _phase = _reason.ReasonCode == DeactivationReasonCode.None ? Phase.Valid : Phase.Deactivating;
            }

            LookAgain();
        }
        catch (Exception exception)
        {
            Log.ActivationFailed(Silo.Logger, GrainId, exception);
            await EndAsync();
            foreach (var request in TakeAll())
            {
                (request as GrainCall)?.Fail(exception);
            }
        }
    }

    private object Create(List<IActivationState> states)
    {
        try
        {
            return Class.Create(this, states);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Failed to create an instance of grain type '{Class.Type}'. See InnerException for details.", exception);
        }
    }

    private async Task FinishAsync()
    {
        DisposeTimers();
        if (_instance is IGrainBase grain)
        {
            try
            {
                using var limit = new CancellationTokenSource(Silo.DeactivationTimeout, Silo.Clock);
                await grain.OnDeactivateAsync(_reason, limit.Token).WaitAsync(limit.Token);
            }
            catch (Exception exception)
            {
                Log.DeactivationFailed(Silo.Logger, GrainId, exception);
            }
        }

        await EndAsync();
        foreach (var request in TakeAll())
        {
            if (request is GrainCall { Abandoned: false } call)
            {
                call.Caller.Forward(call, Silo.MaxForwardCount);
            }
        }
    }

    private async Task EndAsync()
    {
        DisposeTimers();
        try
        {
            switch (_instance)
            {
                case IAsyncDisposable disposable:
                    await disposable.DisposeAsync();
                    break;
                case IDisposable disposable:
                    disposable.Dispose();
                    break;
            }

            await _scope.DisposeAsync();
        }
        catch (Exception exception)
        {
            Log.DeactivationFailed(Silo.Logger, GrainId, exception);
        }

        Silo.Forget(this);
        lock (Gate)
        {
            _phase = Phase.Gone;
        }

        _deactivated.TrySetResult();
    }

    private void DisposeTimers()
    {
        GrainTimer[] timers;
        lock (_timers)
        {
            timers = [.. _timers];
        }

        foreach (var timer in timers)
        {
            timer.Dispose();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Activation of {Grain} failed")]
        public static partial void ActivationFailed(ILogger logger, GrainId grain, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "Deactivation of {Grain} failed")]
        public static partial void DeactivationFailed(ILogger logger, GrainId grain, Exception exception);
    }
}
