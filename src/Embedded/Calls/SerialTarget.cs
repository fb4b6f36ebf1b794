using Orleans.Embedded;

namespace Orleans.Runtime;

/// <summary>
/// Runs the requests that are delivered to it in turns of its own scheduler: one request after the other, unless a request
/// may interleave with the one that is running.
/// </summary>
internal abstract class SerialTarget : CallTarget, ITurn
{
    private RequestQueue _waiting;
    private Request? _unseen;
    private Request? _blocking;
    private bool _turnQueued;

    protected SerialTarget(TurnScheduler scheduler) => Scheduler = scheduler;

    public TurnScheduler Scheduler { get; }

    /// <summary>What requests are run on.</summary>
    public abstract object Instance { get; }

    /// <summary>Requests that run or wait.</summary>
    public int Load { get; private set; }

    protected Lock Gate { get; } = new();

    protected int Running { get; private set; }

    /// <summary>Whether waiting requests may start now. Read under <see cref="Gate"/>.</summary>
    protected abstract bool Open { get; }

    /// <summary>Whether nothing is taken any more. Read under <see cref="Gate"/>.</summary>
    protected abstract bool Gone { get; }

    public override bool TryDeliver(GrainCall call)
    {
        call.Target = this;
        return TryAdd(call);
    }

    public bool TryAdd(Request request)
    {
        lock (Gate)
        {
            if (Gone)
            {
                return false;
            }

            _waiting.Add(request);
            _unseen ??= request;
            Load++;
            if (_turnQueued)
            {
                return true;
            }

            _turnQueued = true;
        }

        Scheduler.Enqueue(this);
        return true;
    }

    public override void CancelInTurn(CancellationTokenSource cancellation) =>
        Task.Factory.StartNew(
            static state => ((CancellationTokenSource)state!).Cancel(), cancellation, CancellationToken.None, TaskCreationOptions.None, Scheduler);

    /// <summary>One turn: starts every request that may start.</summary>
    void ITurn.Run()
    {
        while (true)
        {
            Request? request;
            lock (Gate)
            {
                request = Open ? TakeNext() : null;
                if (request is null)
                {
                    _turnQueued = false;
                    break;
                }

                Running++;
                if (_blocking is null && !request.AlwaysInterleave)
                {
                    _blocking = request;
                }
            }

            var span = request is GrainCall call ? CallTraces.Begin(call) : null;
            var task = request.RunAsync(this);
            if (span is not null)
            {
                CallTraces.EndAfter(span, task);
            }

            if (task.IsCompleted)
            {
                Complete(request);
            }
            else
            {
                _ = CompleteAsync(request, task);
            }
        }

        OnTurnEnded();
    }

    /// <summary>Told of every exception that leaves a request.</summary>
    public virtual void Blame(Exception exception)
    {
    }

    /// <summary>Whether <paramref name="request"/> may run beside <paramref name="other"/> by a rule of the class. Called in a turn.</summary>
    protected virtual bool MayInterleave(Request request, Request other) => false;

    protected virtual void OnCompleted(Request request)
    {
    }

    protected virtual void OnTurnEnded()
    {
    }

    /// <summary>Has waiting requests looked at again, from any thread.</summary>
    protected void LookAgain()
    {
        lock (Gate)
        {
            _unseen = _waiting.First;
            if (_turnQueued)
            {
                return;
            }

            _turnQueued = true;
        }

        Scheduler.Enqueue(this);
    }

    /// <summary>Takes out all that wait, in order.</summary>
    protected List<Request> TakeAll()
    {
        var all = new List<Request>();
        lock (Gate)
        {
            while (_waiting.First is { } request)
            {
                _waiting.Remove(request);
                Load--;
                all.Add(request);
            }

            _unseen = null;
        }

        return all;
    }

    private Request? TakeNext()
    {
        // What was seen before still may not run: nothing has completed since.
        while (_unseen is { } request)
        {
            _unseen = request.Next;
            try
            {
                if (!request.Abandoned)
                {
                    if (!MayStart(request))
                    {
                        continue;
                    }

                    _waiting.Remove(request);
                    return request;
                }
            }
            catch (Exception exception)
            {
                // The grain's own predicate failed.
                (request as GrainCall)?.Fail(exception);
            }

            _waiting.Remove(request);
            Load--;
        }

        return null;
    }

    private bool MayStart(Request request) =>
        Running == 0
        || request.AlwaysInterleave
        || _blocking is null
        || (request.ReadOnly && _blocking.ReadOnly)
        || MayInterleave(request, _blocking);

    private async Task CompleteAsync(Request request, Task task)
    {
        await task;
        Complete(request);
        LookAgain();
    }

    private void Complete(Request request)
    {
        lock (Gate)
        {
            Running--;
            Load--;
            if (_blocking == request)
            {
                _blocking = null;
            }

            _unseen = _waiting.First;
            OnCompleted(request);
        }
    }
}
