namespace Orleans.Embedded;

/// <summary>Decides when and in which order those who have turns waiting take them.</summary>
public abstract class TurnSource
{
    /// <summary>Each on the thread pool as soon as it can.</summary>
    public static TurnSource ThreadPool { get; } = new ThreadPoolTurns();

    /// <summary>Called once when a taker's first turn arrives; it must then be asked until it says that none is left.</summary>
    public abstract void Enqueue(ITurnTaker taker);

    /// <summary>Called for every turn as it arrives, on the thread that it comes from.</summary>
    public virtual void Arriving(ITurnTaker taker)
    {
    }

    private sealed class ThreadPoolTurns : TurnSource
    {
        // Local first: in a chain of calls the thread that called is about to wait, and its cache is warm.
        public override void Enqueue(ITurnTaker taker) => System.Threading.ThreadPool.UnsafeQueueUserWorkItem(taker, preferLocal: true);
    }
}
