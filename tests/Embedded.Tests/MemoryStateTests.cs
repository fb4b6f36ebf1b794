using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

public sealed class MemoryStateTests(MemoryStateTests.Fixture fixture) : StateContract, IClassFixture<MemoryStateTests.Fixture>
{
    protected override InProcessTestCluster Cluster => fixture.Cluster;

    [Fact]
    public async Task A_state_that_cannot_be_read_fails_the_call()
    {
        var storage = new FailingStorage { FailsReading = true };
        await using var cluster = await TestCluster.DeployAsync(configure: silo =>
            silo.Services.AddKeyedSingleton<IGrainStorage>("chosen", storage));

        var exception = await Assert.ThrowsAsync<OrleansException>(cluster.Client.GetGrain<IStateGrain>("unreadable").GetAsync);

        Assert.Contains("the disk is on fire", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_write_fails_the_call_and_the_activation_lives_on()
    {
        var storage = new FailingStorage { WritingException = new IOException("the disk is full") };
        await using var cluster = await TestCluster.DeployAsync(configure: silo =>
            silo.Services.AddKeyedSingleton<IGrainStorage>("chosen", storage));
        var grain = cluster.Client.GetGrain<IStateGrain>("unwritable");
        var life = await grain.WhoAsync();

        await Assert.ThrowsAsync<OrleansException>(() => grain.AddAsync(new Note("x", [], DateTimeOffset.UnixEpoch)));

        Assert.Equal(life, await grain.WhoAsync());
    }

    [Fact]
    public async Task A_stale_tag_ends_the_activation_that_met_it()
    {
        var storage = new FailingStorage { WritingException = new InconsistentStateException("stale", "2", "1") };
        await using var cluster = await TestCluster.DeployAsync(configure: silo =>
            silo.Services.AddKeyedSingleton<IGrainStorage>("chosen", storage));
        var grain = cluster.Client.GetGrain<IStateGrain>("stale");
        var life = await grain.WhoAsync();

        await Assert.ThrowsAsync<InconsistentStateException>(() => grain.AddAsync(new Note("x", [], DateTimeOffset.UnixEpoch)));

        Assert.NotEqual(life, await grain.WhoAsync());
    }

    [Fact]
    public async Task A_storage_that_is_not_configured_fails_the_call()
    {
        await using var cluster = await TestCluster.DeployAsync();

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(cluster.Client.GetGrain<IStateGrain>("nowhere").GetAsync);

        Assert.Contains(nameof(BadProviderConfigException), exception.ToString(), StringComparison.Ordinal);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public InProcessTestCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Cluster = await TestCluster.DeployAsync(configure: silo =>
            silo.AddMemoryGrainStorage("chosen", options => options.Configure(o => o.GrainStorageSerializer = new StateJson())));

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
