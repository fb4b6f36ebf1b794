using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class TraceTests
{
    [Fact]
    public async Task A_call_is_part_of_the_trace_that_made_it_and_of_no_other()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name.StartsWith("Microsoft.Orleans.", StringComparison.Ordinal),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        await using var cluster = await TestCluster.DeployAsync(configure: silo => silo.AddActivityPropagation());
        var grain = cluster.GetSiloServiceProvider().GetRequiredService<IGrainFactory>().GetGrain<ITraceGrain>("one");

        // All at once, so that their turns lie side by side.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
        {
            using var cause = new Activity($"cause {number}").Start();
            var trace = cause.TraceId.ToHexString();
            Assert.Equal([trace, trace], await grain.TracesAsync());
        }));
    }
}
