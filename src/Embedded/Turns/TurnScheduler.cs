using Orleans.Runtime;

namespace Orleans.Embedded;

/// <summary>
/// Runs turns one at a time in the order of their arrival. It is a task scheduler, so that an await inside a turn comes
/// back as another turn of the same taker.
/// </summary>
internal sealed class TurnScheduler(string name, TurnSource source) : TaskScheduler, ITurnTaker
{
    private const int TurnsAtOnce = 64;

    private readonly Lock _gate = new();
    private readonly Queue<object> _waiting = new();
    private bool _announced;
    private bool _stopped;

    // Of the one batch that runs; only who runs it touches these.
    private Task? _batch;
    private int _limit;
    private bool _more;

    public string Name => name;

    /// <summary>The activation whose turns these are; null: an observer's or a driver's.</summary>
    public Activation? Owner { get; set; }

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Adds a turn from any thread.</summary>
    public void Enqueue(ITurn turn) => Add(turn);

    /// <summary>Drops what waits and whatever comes later: the process that owned it has crashed.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            _waiting.Clear();
        }
    }

    public void Execute()
    {
        if (TakeTurns(TurnsAtOnce))
        {
            // Not local: whoever waits longest goes first.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    public bool TakeTurns(int limit)
    {
        _limit = limit;
        _batch = new Task(static state => ((TurnScheduler)state!).Run(), this);
        _batch.Start(this);
        return _more;
    }

    protected override void QueueTask(Task task)
    {
        // The batch itself is a task of this scheduler, so that TaskScheduler.Current is right inside its turns.
        if (task == _batch)
        {
            TryExecuteTask(task);
        }
        else
        {
            Add(task);
        }
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && Current == this && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
        {
            return [.. _waiting.OfType<Task>()];
        }
    }

    private void Add(object turn)
    {
        source.Arriving(this);
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _waiting.Enqueue(turn);
            if (_announced)
            {
                return;
            }

            _announced = true;
        }

        source.Enqueue(this);
    }

    private void Run()
    {
        var outer = RuntimeContext.Current;
        var clean = ExecutionContext.Capture();
        RuntimeContext.Current = Owner;
        try
        {
            for (var i = 0; i < _limit; i++)
            {
                object? turn;
                lock (_gate)
                {
                    if (!_waiting.TryDequeue(out turn))
                    {
                        _announced = _more = false;
                        return;
                    }
                }

                if (turn is Task task)
                {
                    TryExecuteTask(task);
                }
                else
                {
                    ((ITurn)turn).Run();

                    // What the turn put into async locals is its own, not the next one's.
                    if (clean is not null)
                    {
                        ExecutionContext.Restore(clean);
                    }
                }
            }

            lock (_gate)
            {
                _announced = _more = _waiting.Count > 0;
            }
        }
        finally
        {
            RuntimeContext.Current = outer;
        }
    }
}
