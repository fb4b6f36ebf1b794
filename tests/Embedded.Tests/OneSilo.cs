using Orleans.TestingHost;

namespace OrleansPolicy.Embedded.Tests;

/// <summary>A cluster of one silo for tests that do not disturb each other.</summary>
public sealed class OneSilo : IAsyncLifetime
{
    public InProcessTestCluster Cluster { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Cluster = await TestCluster.DeployAsync(configure: silo =>
    {
        silo.UseInMemoryReminderService();
        silo.Configure<ReminderOptions>(options => options.MinimumReminderPeriod = TimeSpan.FromMilliseconds(50));
    });

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
