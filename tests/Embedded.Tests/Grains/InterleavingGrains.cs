using System.Collections.Immutable;
using Orleans.Concurrency;
using Orleans.Serialization.Invocation;

namespace OrleansPolicy.Embedded.Tests.Grains;

[Alias("test.interleaving")]
public interface IInterleavingGrain : IGrainWithStringKey
{
    Task EnterAsync(string gate);

    Task<int> PingAsync(int number);
}

[Alias("test.reentrant")]
public interface IReentrantGrain : IInterleavingGrain;

[Alias("test.may-interleave")]
public interface IMayInterleaveGrain : IInterleavingGrain;

[Alias("test.read-only")]
public interface IReadOnlyGrain : IGrainWithStringKey
{
    [ReadOnly]
    Task EnterAsync(string gate);

    [ReadOnly]
    Task<int> ReadAsync();

    Task WriteAsync(int value);
}

[Alias("test.order")]
public interface IOrderGrain : IGrainWithStringKey
{
    Task AddAsync(int number);

    Task<ImmutableArray<int>> GetAsync();

    /// <summary>Whether an await, a continuation and a started task all came back to the grain's own turns.</summary>
    Task<bool> StaysInItsTurnsAsync();
}

[Reentrant]
public sealed class ReentrantGrain : Grain, IReentrantGrain
{
    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task<int> PingAsync(int number) => Task.FromResult(number);
}

[MayInterleave(nameof(IsEven))]
public sealed class MayInterleaveGrain : Grain, IMayInterleaveGrain
{
    public static bool IsEven(IInvokable request) => request.GetMethodName() == nameof(IInterleavingGrain.PingAsync)
        && ((int)request.GetArgument(0)! < 0 ? throw new InvalidOperationException("no number") : (int)request.GetArgument(0)! % 2 == 0);

    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task<int> PingAsync(int number) => Task.FromResult(number);
}

public sealed class ReadOnlyGrain : Grain, IReadOnlyGrain
{
    private int _value;

    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task<int> ReadAsync() => Task.FromResult(_value);

    public Task WriteAsync(int value)
    {
        _value = value;
        return Task.CompletedTask;
    }
}

public sealed class OrderGrain : Grain, IOrderGrain
{
    private readonly List<int> _numbers = [];

    public async Task AddAsync(int number)
    {
        await Task.Yield();
        _numbers.Add(number);
    }

    public Task<ImmutableArray<int>> GetAsync() => Task.FromResult(_numbers.ToImmutableArray());

    public async Task<bool> StaysInItsTurnsAsync()
    {
        var own = TaskScheduler.Current;
        await Task.Delay(5);
        var afterAwait = TaskScheduler.Current;
        var inStarted = await Task.Factory.StartNew(() => TaskScheduler.Current);
        var inRun = await Task.Run(() => TaskScheduler.Current);
        var afterRun = TaskScheduler.Current;
        return own != TaskScheduler.Default && afterAwait == own && inStarted == own && inRun == TaskScheduler.Default && afterRun == own;
    }
}
