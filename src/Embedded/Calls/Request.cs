namespace Orleans.Runtime;

/// <summary>Something an activation does when it may: a call or a timer's tick. An element of at most one <see cref="RequestQueue"/>.</summary>
internal abstract class Request
{
    public Request? Next;
    public Request? Previous;

    public virtual bool AlwaysInterleave => false;

    public virtual bool ReadOnly => false;

    /// <summary>Whether it resets the activation's idle clock.</summary>
    public virtual bool KeepsAlive => true;

    /// <summary>Whether it means this activation and no later one of the same grain.</summary>
    public virtual bool Local => false;

    /// <summary>Whether nobody waits for it any more: it is then dropped, not run.</summary>
    public virtual bool Abandoned => false;

    /// <summary>Runs it inside a turn of <paramref name="target"/>. Never throws; the task never fails.</summary>
    public abstract Task RunAsync(SerialTarget target);
}
