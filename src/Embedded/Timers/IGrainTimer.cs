namespace Orleans.Runtime;

/// <summary>Calls back in turns of the activation that made it, and ends with it.</summary>
public interface IGrainTimer : IDisposable
{
    /// <summary>Takes effect at once or, from inside the callback, when that is over.</summary>
    void Change(TimeSpan dueTime, TimeSpan period);
}
