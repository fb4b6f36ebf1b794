namespace Orleans.Runtime;

/// <summary>What a call can be delivered to.</summary>
internal abstract class CallTarget
{
    /// <summary>Whose process it lives in; when that goes, so does what is in flight.</summary>
    public abstract Participant Home { get; }

    /// <summary>Takes the call over. False: this target is gone for good, look for the next one.</summary>
    public abstract bool TryDeliver(GrainCall call);

    /// <summary>Whether it is the right target for calls by <paramref name="caller"/> while it lives.</summary>
    public virtual bool Takes(Participant caller) => true;

    /// <summary>Asks the running call to stop, in a turn of the target's own.</summary>
    public abstract void CancelInTurn(CancellationTokenSource cancellation);
}
