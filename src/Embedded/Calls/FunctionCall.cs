namespace Orleans.Runtime;

/// <summary>A call of a method that returns <see cref="Task{T}"/> or <see cref="ValueTask{T}"/>.</summary>
internal sealed class FunctionCall<T>(GrainMethod method, GrainId targetId, object?[] arguments, Participant caller)
    : TypedCall<T>(method, targetId, arguments, caller)
{
    public override object? Promise => Method.ReturnType == typeof(Task<T>) ? Answer : new ValueTask<T>(Answer);

    public override Task RunAsync(SerialTarget target)
    {
        Task<T> task;
        try
        {
            task = Method.Invoke(target.Instance, Arguments) switch
            {
                Task<T> running => running,
                ValueTask<T> running => running.AsTask(),
                _ => throw new InvalidOperationException($"{this} returned null instead of a task."),
            };
            if (task.IsCompletedSuccessfully)
            {
                Succeed(Copy(target, task.Result));
                return Task.CompletedTask;
            }
        }
        catch (Exception exception)
        {
            target.Blame(exception);
            Fail(exception);
            return Task.CompletedTask;
        }

        return FinishAsync(target, task);
    }

    private async Task FinishAsync(SerialTarget target, Task<T> task)
    {
        try
        {
            Succeed(Copy(target, await task));
        }
        catch (Exception exception)
        {
            target.Blame(exception);
            Fail(exception);
        }
    }

    private T Copy(SerialTarget target, T value) =>
        Method.ResultIsImmutable || target.Home.Copier is not { } copier ? value : (T)copier.Copy(value)!;
}
