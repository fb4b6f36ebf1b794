namespace Orleans.Runtime;

/// <summary>A call whose answer is a <typeparamref name="T"/>; a call without an answer uses <see cref="Nothing"/>.</summary>
internal abstract class TypedCall<T>(GrainMethod method, GrainId targetId, object?[] arguments, Participant caller)
    : GrainCall(method, targetId, arguments, caller)
{
    // Every answer is set inside a turn, where no continuation of another scheduler is inlined: the callee never runs its
    // caller's code. RunContinuationsAsynchronously would say the same, but sends Task.WhenAll through the thread pool.
    private readonly TaskCompletionSource<T> _promise = new();

    protected Task<T> Answer => _promise.Task;

    protected override bool Answered => _promise.Task.IsCompleted;

    protected override bool TrySetException(Exception exception)
    {
        if (!_promise.TrySetException(exception))
        {
            return false;
        }

        // Whoever does not await a call does not want to hear of its failure at the finalizer either.
        _ = _promise.Task.Exception;
        return true;
    }

    protected void Succeed(T value)
    {
        if (_promise.TrySetResult(value))
        {
            Forget();
        }
    }
}

/// <summary>The answer of a method without one.</summary>
internal readonly struct Nothing;
