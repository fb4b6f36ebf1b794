using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Configuration;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>A silo that finds others on its database and cannot speak to them. The embedded engine joins nobody.</summary>
public sealed class JoinTests(PostgresServer server)
{
    [Fact]
    public async Task A_silo_that_reaches_none_of_those_that_live_does_not_start()
    {
        Assert.SkipUnless(ClusterSettingsReader.Engine == "Orleans", "The embedded engine is one process.");
        using var folder = new TemporaryFolder();
        var database = await server.CreateDatabaseAsync();
        await using (var source = NpgsqlDataSource.Create(database))
        {
            // It says that it lives for as long as the test may take, at an address where nobody listens.
            await using var live = source.CreateCommand(
                $"""
                INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES ('{ClusterSettings.DefaultName}');
                INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
                VALUES ('{ClusterSettings.DefaultName}', '127.0.0.1', 1, 1, 'a', 'a', 3, 2, now(), now() + interval '1 hour')
                """);
            await live.ExecuteNonQueryAsync();
        }

        var refused = await Assert.ThrowsAsync<StartFailureException>(() => PolicyHost.StartAsync(
            new SiloSettings
            {
                Urls = "http://127.0.0.1:0",
                DataFolder = folder.Path,
                ConnectionString = database,
                Cluster = new ClusterSettings { IsJoined = true, SiloPort = 0, GatewayPort = 0, AdvertisedAddress = IPAddress.Loopback },
            },
            builder => builder.Services.Configure<ClusterMembershipOptions>(options => options.MaxJoinAttemptTime = TimeSpan.FromSeconds(3))));

        Assert.Equal("cluster.join", refused.Code);
    }
}
