using Orleans.Concurrency;

namespace OrleansPolicy.Embedded.Tests.Grains;

[Alias("test.counter")]
public interface ICounterGrain : IGrainWithStringKey
{
    /// <summary>Reads, awaits, writes: loses updates if turns interleave.</summary>
    Task<int> AddSlowlyAsync(int delta);

    ValueTask<int> GetAsync();

    Task EnterAsync(string gate);

    [AlwaysInterleave]
    Task<int> PeekAsync();

    Task FailAsync(string message);

    Task<string> WhoAsync();
}

public sealed class CounterGrain : Grain, ICounterGrain
{
    private readonly string _life = Guid.NewGuid().ToString("N");
    private int _count;

    public async Task<int> AddSlowlyAsync(int delta)
    {
        var before = _count;
        await Task.Yield();
        await Task.Delay(1);
        return _count = before + delta;
    }

    public ValueTask<int> GetAsync() => new(_count);

    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task<int> PeekAsync() => Task.FromResult(_count);

    public Task FailAsync(string message) => throw new InvalidOperationException(message);

    public Task<string> WhoAsync() => Task.FromResult(_life);
}
