using Orleans.Concurrency;

namespace OrleansPolicy.Embedded.Tests.Grains;

[Alias("test.worker")]
public interface IWorkerGrain : IGrainWithStringKey
{
    Task<string> WorkAsync(string gate);

    Task<string> WhoAsync();
}

[StatelessWorker(3)]
public sealed class WorkerGrain : Grain, IWorkerGrain
{
    private readonly string _life = Guid.NewGuid().ToString("N");

    public async Task<string> WorkAsync(string gate)
    {
        await Gate.Named(gate).PassAsync();
        return _life;
    }

    public Task<string> WhoAsync() => Task.FromResult(_life);
}
