using System.Diagnostics;
using System.Reflection;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>One call from its sending to its answer. It is answered once: by the callee, the clock, the caller's token or a crash.</summary>
internal abstract class GrainCall(GrainMethod method, GrainId targetId, object?[] arguments, Participant caller) : Request, IInvokable
{
    // Neighbours in the caller's list of calls that wait for an answer.
    public GrainCall? NextPending;
    public GrainCall? PreviousPending;
    public int PendingShard = -1;

    private CancellationTokenRegistration _callerToken;
    private CancellationTokenSource? _calleeToken;

    public GrainMethod Method => method;

    public GrainId TargetId => targetId;

    public object?[] Arguments => arguments;

    public Participant Caller => caller;

    /// <summary>Where it was delivered last.</summary>
    public CallTarget? Target { get; set; }

    /// <summary>A timestamp of the caller's clock.</summary>
    public long Deadline { get; set; }

    /// <summary>What it is part of; default: of nothing that is traced.</summary>
    public ActivityContext CausedBy { get; set; }

    /// <summary>How often it met a target that was just going.</summary>
    public int Forwards { get; set; }

    public override bool AlwaysInterleave => method.AlwaysInterleave;

    public override bool ReadOnly => method.ReadOnly;

    public override bool Abandoned => Answered;

    /// <summary>What the caller holds: a task or value task of the method's type, boxed.</summary>
    public abstract object? Promise { get; }

    protected abstract bool Answered { get; }

    public int GetArgumentCount() => arguments.Length;

    public object? GetArgument(int index) => arguments[index];

    public string GetMethodName() => method.Method.Name;

    public string GetInterfaceName() => method.Interface.Name;

    public Type GetInterfaceType() => method.Interface;

    public MethodInfo GetMethod() => method.Method;

    /// <summary>Fails the call unless it is answered already.</summary>
    public void Fail(Exception exception)
    {
        if (TrySetException(exception))
        {
            Forget();
        }
    }

    /// <summary>Fails the call for the caller and tells the callee to stop.</summary>
    public void Abandon(Exception exception)
    {
        if (TrySetException(exception))
        {
            Forget();
            if (_calleeToken is not null)
            {
                Target?.CancelInTurn(_calleeToken);
            }
        }
    }

    /// <summary>Puts a token of the callee's own in the place of the caller's.</summary>
    public void LinkCancellation()
    {
        var token = (CancellationToken)arguments[method.CancellationIndex]!;
        if (!token.CanBeCanceled && method.OneWay)
        {
            return;
        }

        _calleeToken = new CancellationTokenSource();
        arguments[method.CancellationIndex] = _calleeToken.Token;
        _callerToken = token.UnsafeRegister(
            static (state, token) => ((GrainCall)state!).Abandon(new OperationCanceledException(token)), this);
    }

    protected abstract bool TrySetException(Exception exception);

    /// <summary>To be called once, after the answer is set.</summary>
    protected void Forget()
    {
        caller.Pending.Remove(this);
        _callerToken.Unregister();
    }

    public override string ToString() => $"{method.Interface.Name}.{method.Method.Name} of {targetId}";
}
