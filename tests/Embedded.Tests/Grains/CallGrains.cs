using System.Collections.Concurrent;
using Orleans.Concurrency;

namespace OrleansPolicy.Embedded.Tests.Grains;

/// <summary>Mutable on purpose: to see whether caller and callee share it.</summary>
public sealed class Basket
{
    public List<string> Items { get; set; } = [];
}

[Alias("test.call")]
public interface ICallGrain : IGrainWithStringKey
{
    [ResponseTimeout("00:00:01")]
    Task EnterImpatientlyAsync(string gate);

    Task EnterAsync(string gate);

    Task NoteAsync(string what);

    [ResponseTimeout("00:00:01")]
    Task NoteImpatientlyAsync(string what);

    /// <summary>Calls the other, which calls back: waits for itself.</summary>
    [ResponseTimeout("00:00:02")]
    Task CallInACircleAsync(string other);

    [ResponseTimeout("00:00:01")]
    Task CallBackAsync(string caller);

    Task<string> WaitForCancellationAsync(string gate, CancellationToken cancellationToken);

    [OneWay]
    Task ForgetAsync(string gate);

    Task ThrowAsync(string message);

    Task ThrowLaterAsync(string message);

    ValueTask<int> AddAsync(int a, int b);

    ValueTask DoNothingAsync();

    Task<Basket> KeepAsync(Basket basket);

    Task<int> CountKeptAsync();

    Task<string> AskAsync(ICallGrain other);

    Task<string> NameAsync();

    Task<ICallGrain> MyselfAsync();
}

public sealed class CallGrain : Grain, ICallGrain
{
    private static readonly ConcurrentDictionary<string, ConcurrentQueue<string>> s_notes = new();

    private Basket _kept = new();

    public static IReadOnlyCollection<string> NotesOf(string key) => s_notes.GetOrAdd(key, _ => new ConcurrentQueue<string>());

    public Task EnterImpatientlyAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task NoteAsync(string what)
    {
        s_notes.GetOrAdd(this.GetPrimaryKeyString(), _ => new ConcurrentQueue<string>()).Enqueue(what);
        return Task.CompletedTask;
    }

    public Task NoteImpatientlyAsync(string what) => NoteAsync(what);

    public Task CallInACircleAsync(string other) => GrainFactory.GetGrain<ICallGrain>(other).CallBackAsync(this.GetPrimaryKeyString());

    public async Task CallBackAsync(string caller) => await GrainFactory.GetGrain<ICallGrain>(caller).NameAsync();

    public async Task<string> WaitForCancellationAsync(string gate, CancellationToken cancellationToken)
    {
        var scheduler = TaskScheduler.Current;
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(() => cancelled.SetResult());
        await Gate.Named(gate).PassAsync();
        await cancelled.Task;
        await NoteAsync(TaskScheduler.Current == scheduler ? "cancelled" : "cancelled elsewhere");
        return "too late";
    }

    public async Task ForgetAsync(string gate)
    {
        await Gate.Named(gate).PassAsync();
        await NoteAsync("forgotten");
        throw new InvalidOperationException("nobody hears this");
    }

    public Task ThrowAsync(string message) => throw new InvalidOperationException(message);

    public async Task ThrowLaterAsync(string message)
    {
        await Task.Yield();
        throw new KeyNotFoundException(message);
    }

    public ValueTask<int> AddAsync(int a, int b) => new(a + b);

    public ValueTask DoNothingAsync() => ValueTask.CompletedTask;

    public Task<Basket> KeepAsync(Basket basket)
    {
        _kept = basket;
        return Task.FromResult(_kept);
    }

    public Task<int> CountKeptAsync() => Task.FromResult(_kept.Items.Count);

    public Task<string> AskAsync(ICallGrain other) => other.NameAsync();

    public Task<string> NameAsync() => Task.FromResult(this.GetPrimaryKeyString());

    public Task<ICallGrain> MyselfAsync() => Task.FromResult(this.AsReference<ICallGrain>());
}
