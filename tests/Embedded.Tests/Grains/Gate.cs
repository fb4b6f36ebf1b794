using System.Collections.Concurrent;

namespace OrleansPolicy.Embedded.Tests.Grains;

/// <summary>Lets a test hold a grain in the middle of a method, and see how far it has come. Shared by name: grains are made by the engine.</summary>
internal sealed class Gate
{
    private static readonly ConcurrentDictionary<string, Gate> s_gates = new();

    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Reached => _reached.Task.WaitAsync(Patience.Limit);

    public static Gate Named(string name) => s_gates.GetOrAdd(name, _ => new Gate());

    public void Open() => _opened.TrySetResult();

    public Task PassAsync()
    {
        _reached.TrySetResult();
        return _opened.Task;
    }
}
