using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace OrleansPolicy.Benchmarks;

/// <summary>A call from grain to grain in one silo, one after the other, beside one trip to the thread pool and back.</summary>
internal static class CallSpeed
{
    public static async Task RunAsync(Report report)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleans(silo => silo.UseLocalhostClustering());
        using var host = builder.Build();
        await host.StartAsync();
        var caller = host.Services.GetRequiredService<IGrainFactory>().GetGrain<ICallerGrain>("caller");

        void Call(int operations) => caller.CallAsync("called", operations).GetAwaiter().GetResult();

        static void Hop(int operations) => HopAsync(operations).GetAwaiter().GetResult();

        var (ours, floor) = Alternation.NanosecondsPerOperation("grain to grain, sequential", Call, "floor: thread pool and back", Hop);
        report.Pair(ours, floor);
        await host.StopAsync();
    }

    private static async Task HopAsync(int operations)
    {
        for (var i = 0; i < operations; i++)
        {
            await Task.Run(static () => 1);
        }
    }
}

[Alias("benchmark.caller")]
public interface ICallerGrain : IGrainWithStringKey
{
    [ResponseTimeout("00:10:00")]
    Task CallAsync(string key, int times);
}

[Alias("benchmark.called")]
public interface ICalledGrain : IGrainWithStringKey
{
    Task<int> EchoAsync(int value);
}

public sealed class CallerGrain : Grain, ICallerGrain
{
    public async Task CallAsync(string key, int times)
    {
        var called = GrainFactory.GetGrain<ICalledGrain>(key);
        for (var i = 0; i < times; i++)
        {
            await called.EchoAsync(i);
        }
    }
}

public sealed class CalledGrain : Grain, ICalledGrain
{
    public Task<int> EchoAsync(int value) => Task.FromResult(value);
}
