namespace Orleans.Runtime;

/// <summary>A call of a method that returns <c>void</c>, <see cref="Task"/> or <see cref="ValueTask"/>.</summary>
internal sealed class ActionCall(GrainMethod method, GrainId targetId, object?[] arguments, Participant caller)
    : TypedCall<Nothing>(method, targetId, arguments, caller)
{
    public override object? Promise => Method.ReturnType switch
    {
        var type when type == typeof(Task) => Answer,
        var type when type == typeof(ValueTask) => new ValueTask(Answer),
        _ => null,
    };

    public override Task RunAsync(SerialTarget target)
    {
        Task task;
        try
        {
            task = Method.Invoke(target.Instance, Arguments) switch
            {
                Task running => running,
                ValueTask running => running.AsTask(),
                null when Method.ReturnType == typeof(void) => Task.CompletedTask,
                _ => throw new InvalidOperationException($"{this} returned null instead of a task."),
            };
            if (task.IsCompletedSuccessfully)
            {
                Succeed(default);
                return task;
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

    private async Task FinishAsync(SerialTarget target, Task task)
    {
        try
        {
            await task;
            Succeed(default);
        }
        catch (Exception exception)
        {
            target.Blame(exception);
            Fail(exception);
        }
    }
}
