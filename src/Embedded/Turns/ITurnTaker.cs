namespace Orleans.Embedded;

/// <summary>Something with turns waiting: an activation, an observer, a driver. Its turns never run at the same time as each other.</summary>
public interface ITurnTaker : IThreadPoolWorkItem
{
    /// <summary>For traces; the same in every run of the same program under the same seed.</summary>
    string Name { get; }

    /// <summary>Runs up to <paramref name="limit"/> turns. True: more wait, and whoever called lets it take them later.</summary>
    bool TakeTurns(int limit);
}
