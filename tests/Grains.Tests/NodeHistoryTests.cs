using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>A node's last ten reloads.</summary>
public class NodeHistoryTests(PostgresServer server)
{
    [Fact]
    public async Task The_last_ten_reloads_are_kept_newest_first_each_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var node = cluster.Grains.Node(Tenant, Fleet, "a");
        for (var i = 1; i <= 12; i++)
        {
            await node.RecordReloadAsync(Reload(i), i);
            await node.RecordReloadAsync(Reload(i), i);
        }

        var history = await node.GetAsync();

        Assert.Equal(10, history.Reloads.Length);
        Assert.Equal("12.0.0", history.Version);
        Assert.Equal(Enumerable.Range(3, 10).Reverse().Select(i => $"{i}.0.0"), history.Reloads.Select(reload => reload.Version));
    }

    [Fact]
    public async Task The_history_outlasts_the_process_in_a_form_without_type_names()
    {
        var database = await server.CreateDatabaseAsync();
        await using (var cluster = await StartAsync(database))
        {
            await cluster.Grains.Node(Tenant, Fleet, "a").RecordReloadAsync(Reload(1), 4);
            await UntilAsync(async () => await StoredAsync(cluster) is not null, "the history was written");
            Assert.StartsWith("{\"v\":1,\"state\":{", await StoredAsync(cluster), StringComparison.Ordinal);
            Assert.DoesNotContain("$type", await StoredAsync(cluster), StringComparison.Ordinal);

            // By what the database deletes it with its node.
            Assert.Equal($"node-history {GrainKeys.Node(Tenant, Fleet, "a")}", await StoredAsync(cluster, "graintypestring || ' ' || grainidextensionstring"));
        }
    }

    [Fact]
    public async Task A_reload_in_a_report_reaches_the_nodes_history()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(1);

        await UntilAsync(
            async () => (await cluster.Grains.Node(Tenant, Fleet, "node-000").GetAsync()).Version == "1.0.0", "the reload was noted");
    }

    private static ReloadRecord Reload(int version) =>
        new(DateTimeOffset.UnixEpoch.AddSeconds(version), $"{version}.0.0", new string('a', 64), true, 20, 150);

    private static async Task<string?> StoredAsync(PolicyCluster cluster, string what = "convert_from(payloadbinary, 'UTF8')")
    {
        await using var command = cluster.DataSource.CreateCommand($"SELECT {what} FROM orleansstorage");
        return await command.ExecuteScalarAsync() as string;
    }
}
