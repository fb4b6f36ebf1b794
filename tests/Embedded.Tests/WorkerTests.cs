using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class WorkerTests(OneSilo silo) : IClassFixture<OneSilo>
{
    [Fact]
    public async Task A_stateless_worker_has_as_many_activations_as_there_is_work_for_and_no_more_than_its_limit()
    {
        var worker = silo.Cluster.Client.GetGrain<IWorkerGrain>("work");
        var calls = new List<Task<string>>();
        for (var i = 0; i < 3; i++)
        {
            calls.Add(worker.WorkAsync($"work-{i}"));
            await Gate.Named($"work-{i}").Reached;
        }

        var fourth = worker.WorkAsync("work-3");
        await Task.WhenAny(Gate.Named("work-3").Reached, Task.Delay(300));
        Assert.False(Gate.Named("work-3").Reached.IsCompletedSuccessfully);

        for (var i = 0; i < 4; i++)
        {
            Gate.Named($"work-{i}").Open();
        }

        var lives = await Task.WhenAll(calls);
        Assert.Equal(3, lives.Distinct().Count());
        Assert.Contains(await fourth, lives);
    }

    [Fact]
    public async Task One_after_the_other_needs_one_worker()
    {
        var worker = silo.Cluster.Client.GetGrain<IWorkerGrain>("lonely");
        var first = await worker.WhoAsync();

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(first, await worker.WhoAsync());
        }
    }
}
