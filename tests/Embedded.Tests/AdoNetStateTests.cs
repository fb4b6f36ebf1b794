using Orleans.Storage;
using Orleans.TestingHost;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

[Collection(PostgresCollection.Name)]
public sealed class AdoNetStateTests(AdoNetStateTests.Fixture fixture) : StateContract, IClassFixture<AdoNetStateTests.Fixture>
{
    protected override InProcessTestCluster Cluster => fixture.Cluster;

    [Fact]
    public async Task A_write_over_somebody_elses_fails_and_ends_the_activation()
    {
        var one = Grain("conflict");
        var other = Cluster.Client.GetGrain<IOtherStateGrain>(one.GetPrimaryKeyString());
        await one.AddAsync(ANote);
        await other.AddAsync(ANote);
        var life = await one.WhoAsync();

        var exception = await Assert.ThrowsAsync<InconsistentStateException>(() => one.AddAsync(ANote));

        Assert.NotNull(exception.Message);
        Assert.NotEqual(life, await one.WhoAsync());
        Assert.Equal(2, (await one.GetAsync()).Length);
        Assert.Equal(3, (await one.AddAsync(ANote)).Count);
    }

    [Fact]
    public async Task Of_two_first_writes_one_fails()
    {
        var one = Grain("first-write");
        var other = Cluster.Client.GetGrain<IOtherStateGrain>(one.GetPrimaryKeyString());
        Assert.Empty(await one.GetAsync());
        Assert.Empty(await other.GetAsync());

        await one.AddAsync(ANote);

        await Assert.ThrowsAsync<InconsistentStateException>(() => other.AddAsync(ANote));
    }

    [Fact]
    public async Task Two_classes_with_the_same_state_name_and_key_share_a_row()
    {
        var one = Grain("shared");
        await one.AddAsync(ANote);

        var other = Cluster.Client.GetGrain<IOtherStateGrain>(one.GetPrimaryKeyString());

        Assert.Single(await other.GetAsync());
    }

    [Fact]
    public async Task A_state_outlives_its_cluster()
    {
        var service = Guid.NewGuid().ToString("N");
        await using (var first = await fixture.Postgres.DeployAsync(service))
        {
            await first.Client.GetGrain<IStateGrain>("outlives").AddAsync(ANote);
        }

        await using var second = await fixture.Postgres.DeployAsync(service);
        await using var stranger = await fixture.Postgres.DeployAsync(Guid.NewGuid().ToString("N"));

        Assert.Single(await second.Client.GetGrain<IStateGrain>("outlives").GetAsync());
        Assert.Empty(await stranger.Client.GetGrain<IStateGrain>("outlives").GetAsync());
    }

    public sealed class Fixture(PostgresServer postgres) : IAsyncLifetime
    {
        public PostgresServer Postgres => postgres;

        public InProcessTestCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Cluster = await postgres.DeployAsync(Guid.NewGuid().ToString("N"));

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
