using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>The database goes and comes back.</summary>
public class OutageTests(PostgresServer server)
{
    [Fact]
    public async Task Without_the_truth_there_is_no_lease_and_everything_goes_on_by_itself_when_it_is_back()
    {
        using var folder = new TemporaryFolder();
        await using var postgres = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = folder.Path });
        await new SchemaMigrator(postgres.ConnectionString, SchemaStep.Embedded(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).MigrateAsync();
        await using var cluster = await StartAsync(postgres.ConnectionString);
        var fleet = await cluster.PrepareFleetAsync(16);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakAsync();

        await postgres.SuspendAsync();
        cluster.Clock.Skip(TimeSpan.FromSeconds(3));
        var poll = await cluster.Feeds().WaitAsync(Tenant, Fleet, "node-000", null, TimeSpan.Zero);
        var pause = await cluster.Grains.Rollout(Tenant, "r1").PauseAsync("now", As("olga"));
        var publish = await cluster.Grains.Catalog(Tenant).PublishAsync([.. Publisher.Bundle("3.0.0")], strict: false, As("alice"));

        Assert.Equal("lease.unavailable", Assert.IsType<FeedAnswer.Refused>(poll).Code);
        Assert.True((await cluster.Feeds().ServingAsync(Tenant, Fleet, "node-000")).Succeeded);
        cluster.Clock.Skip(TimeSpan.FromSeconds(45));
        Assert.Equal("lease.unavailable", Code(await cluster.Feeds().ServingAsync(Tenant, Fleet, "node-000")));
        Assert.Equal(CommonCodes.StoreUnavailable, Code(pause));
        Assert.Equal(CommonCodes.StoreUnavailable, Code(publish));

        await postgres.ResumeAsync();
        await UntilAsync(
            async () => await cluster.Feeds().WaitAsync(Tenant, Fleet, "node-000", null, TimeSpan.Zero) is FeedAnswer.Changed, "leases are granted again");
        await UntilAsync(
            async () =>
            {
                await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
                return (await cluster.GetAsync("r1")).State == RolloutPhase.Complete;
            },
            "the rollout is complete");
        await cluster.FleetConvergedAsync(fleet, target);
        Assert.True(Value(await cluster.Grains.Audit(Tenant).VerifyAsync()).Valid);
    }
    [Fact]
    public async Task A_change_of_a_fleet_that_is_durable_is_told_so_though_the_truth_is_away_right_after_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        Value(await cluster.ConfigureFleetAsync());
        Value(await cluster.FleetGrain.GetAsync());
        cluster.Faults.AfterCommit = (_, change) =>
        {
            if (change.Fleet is not null)
            {
                cluster.Faults.BeforeFleetRead = () => Task.FromException(new StoreUnavailableException("It went away."));
            }

            return Task.CompletedTask;
        };

        var changed = Value(await cluster.ConfigureFleetAsync(new FleetSettings { ReportIntervalSec = 1 }));
        Assert.Equal(1, changed.Settings.ReportIntervalSec);

        // What was not read then is read as soon as it can be.
        cluster.Faults.BeforeFleetRead = () => Task.CompletedTask;
        Assert.Equal(1, Value(await cluster.FleetGrain.GetAsync()).Settings.ReportIntervalSec);
    }
}
