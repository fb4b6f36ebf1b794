using Orleans.TestingHost;

namespace OrleansPolicy.Embedded.Tests;

public sealed class MemoryReminderTests(OneSilo silo) : ReminderContract, IClassFixture<OneSilo>
{
    protected override InProcessTestCluster Cluster => silo.Cluster;
}
