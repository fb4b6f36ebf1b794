namespace Orleans.Embedded;

/// <summary>
/// Runs everything on the calling thread in an order that the seed alone decides: which of those that have turns waiting
/// takes its next one, and every random choice of the engine. Time passes only when nobody has a turn.
/// </summary>
public sealed class SeededRun
{
    private readonly Random _order;
    private readonly List<ITurnTaker> _ready = [];
    private readonly SeededTurns _turns;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile string? _stranger;

    public SeededRun(int seed, DateTimeOffset start)
    {
        _order = new Random(seed);
        _turns = new SeededTurns(this);
        Time = new VirtualTime(start);
        Sources = new EngineSources(_turns, new Random(seed ^ 0x5eed));
    }

    /// <summary>To be registered as the silos' and clients' <see cref="TimeProvider"/>.</summary>
    public VirtualTime Time { get; }

    /// <summary>To be registered with the silos.</summary>
    public EngineSources Sources { get; }

    /// <summary>Told of every turn before it is taken: its number, the virtual time, who takes it.</summary>
    public Action<long, TimeSpan, string>? OnTurn { get; set; }

    public long Turns { get; private set; }

    /// <summary>Runs <paramref name="driver"/> and all that it sets in motion until it ends, or fails after <paramref name="limit"/>.</summary>
    public void Run(Func<Task> driver, TimeSpan limit)
    {
        var task = Task.Factory.StartNew(
            driver, CancellationToken.None, TaskCreationOptions.None, new TurnScheduler("driver", _turns)).Unwrap();
        while (!task.IsCompleted)
        {
            if (_stranger is { } stranger)
            {
                throw new InvalidOperationException($"A turn of {stranger} came from another thread: the run would not repeat itself.");
            }

            if (!TakeTurn() && !Time.FireNext(limit))
            {
                throw new TimeoutException(
                    $"Nothing is left to run before {limit} and the driver has not ended (turn {Turns}, {Time.Elapsed}): something waits for another thread, or for itself.");
            }
        }

        task.GetAwaiter().GetResult();
    }

    private bool TakeTurn()
    {
        if (_ready.Count == 0)
        {
            return false;
        }

        var index = _order.Next(_ready.Count);
        var taker = _ready[index];
        _ready.RemoveAt(index);
        OnTurn?.Invoke(++Turns, Time.Elapsed, taker.Name);
        if (taker.TakeTurns(1))
        {
            _ready.Add(taker);
        }

        return true;
    }

    private sealed class SeededTurns(SeededRun run) : TurnSource
    {
        public override void Enqueue(ITurnTaker taker)
        {
            if (run._stranger is null)
            {
                run._ready.Add(taker);
            }
        }

        public override void Arriving(ITurnTaker taker)
        {
            if (Environment.CurrentManagedThreadId != run._thread)
            {
                run._stranger ??= $"{taker.Name}, {Environment.StackTrace}";
            }
        }
    }
}
