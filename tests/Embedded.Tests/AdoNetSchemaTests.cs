using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using OrleansPolicy.Embedded.Tests.Grains;

namespace OrleansPolicy.Embedded.Tests;

[Collection(PostgresCollection.Name)]
public sealed class AdoNetSchemaTests(PostgresServer postgres)
{
    /// <summary>What the providers for persistence, reminders and clustering, version 10.4, ask for.</summary>
    private static readonly string[] s_needed =
    [
        "ReadFromStorageKey", "WriteToStorageKey", "ClearStorageKey", "DeleteStorageKey",
        "ReadReminderRowsKey", "ReadReminderRowKey", "ReadRangeRows1Key", "ReadRangeRows2Key",
        "UpsertReminderRowKey", "DeleteReminderRowKey", "DeleteReminderRowsKey",
        "GatewaysQueryKey", "MembershipReadRowKey", "MembershipReadAllKey", "InsertMembershipVersionKey", "UpdateIAmAlivetimeKey",
        "InsertMembershipKey", "UpdateMembershipKey", "DeleteMembershipTableEntriesKey", "CleanupDefunctSiloEntriesKey",
    ];

    private static readonly Dictionary<string, int> s_hashes = new()
    {
        ["notes"] = 142060964,
        ["tenant/fleet/node"] = 621461422,
        ["0123456789abcdef0123456789abcdef"] = 226093389,
        ["beef"] = -1725267504,
        ["beef+tail"] = -1553864567,
        ["reminder/some/key"] = -1378195674,
    };

    private static readonly Dictionary<string, string> s_types = new()
    {
        ["GrainIdHash"] = "integer",
        ["GrainIdN0"] = "bigint",
        ["GrainIdN1"] = "bigint",
        ["GrainTypeHash"] = "integer",
        ["GrainTypeString"] = "text",
        ["GrainIdExtensionString"] = "text",
        ["ServiceId"] = "text",
        ["GrainStateVersion"] = "integer",
        ["PayloadBinary"] = "bytea",
        ["GrainId"] = "text",
        ["ReminderName"] = "text",
        ["BeginHash"] = "integer",
        ["EndHash"] = "integer",
        ["GrainHash"] = "integer",
        ["StartTime"] = "timestamptz",
        ["Period"] = "integer",
        ["Version"] = "integer",
        ["DeploymentId"] = "text",
        ["Status"] = "integer",
        ["Address"] = "text",
        ["Port"] = "integer",
        ["Generation"] = "integer",
        ["SiloName"] = "text",
        ["HostName"] = "text",
        ["ProxyPort"] = "integer",
        ["IAmAliveTime"] = "timestamptz",
        ["SuspectTimes"] = "text",
    };

    [Fact]
    public async Task Every_query_that_the_providers_ask_for_is_there()
    {
        var present = await postgres.QueryAsync("SELECT QueryKey FROM OrleansQuery", reader => reader.GetString(0));

        Assert.Equal(s_needed.Order(), present.Order());
    }

    /// <summary>Under Orleans the providers themselves say what they need, lest the list above grow old.</summary>
    [Fact]
    public void The_list_of_needed_queries_is_the_providers_own()
    {
        string[] providers = ["Orleans.Persistence.AdoNet", "Orleans.Reminders.AdoNet", "Orleans.Clustering.AdoNet"];
        var asked = providers
            .Select(name => Path.Combine(AppContext.BaseDirectory, $"{name}.dll"))
            .Where(File.Exists)
            .SelectMany(file => Assembly.LoadFrom(file).GetTypes())
            .Where(type => type.Name == "DbStoredQueries")
            .SelectMany(type => type.GetProperties(BindingFlags.Instance | BindingFlags.NonPublic))
            .Select(property => property.Name);

        Assert.Empty(asked.Except(s_needed));
    }

    [Fact]
    public async Task Every_query_is_valid_for_its_parameters()
    {
        var texts = await postgres.QueryAsync("SELECT QueryKey, QueryText FROM OrleansQuery", reader => (Key: reader.GetString(0), Text: reader.GetString(1)));

        foreach (var (key, text) in texts)
        {
            var statement = text;
            foreach (var (name, type) in s_types)
            {
                statement = System.Text.RegularExpressions.Regex.Replace(statement, $@"@{name}\b", $"NULL::{type}");
            }

            Assert.DoesNotContain("@", statement, StringComparison.Ordinal);
            Assert.True(await IsValidAsync(statement), key);
        }
    }

    /// <summary>
    /// The numbers are what the providers compute for these identities. They are stored, so both engines must agree on them
    /// for ever: a key of letters, one that reads as a GUID, and one that reads as a hexadecimal number.
    /// </summary>
    [Theory]
    [InlineData("tenant/fleet/node", 0, 0, "tenant/fleet/node")]
    [InlineData("0123456789abcdef0123456789abcdef", 0, 0, null)]
    [InlineData("beef", 0, 48879, null)]
    [InlineData("beef+tail", 0, 48879, "tail")]
    public async Task A_row_is_keyed_as_both_engines_key_it(string key, long n0, long n1, string? extension)
    {
        var service = Guid.NewGuid().ToString("N");
        await using var cluster = await postgres.DeployAsync(service);
        var grain = cluster.Client.GetGrain<IStateGrain>(key);
        await grain.AddAsync(new Note("x", [], DateTimeOffset.UnixEpoch));

        var row = Assert.Single(await postgres.QueryAsync(
            $"SELECT GrainIdHash, GrainIdN0, GrainIdN1, GrainTypeHash, GrainTypeString, GrainIdExtensionString FROM OrleansStorage WHERE ServiceId = '{service}'",
            reader => (Hash: reader.GetInt32(0), N0: reader.GetInt64(1), N1: reader.GetInt64(2), TypeHash: reader.GetInt32(3), Type: reader.GetString(4),
                Extension: reader.IsDBNull(5) ? null : reader.GetString(5))));

        Assert.Equal((s_hashes[key], extension, "notes", s_hashes["notes"]), (row.Hash, row.Extension, row.Type, row.TypeHash));
        if (key.Length < 32)
        {
            Assert.Equal((n0, n1), (row.N0, row.N1));
        }
        else
        {
            var bytes = Guid.ParseExact(key, "N").ToByteArray();
            Assert.Equal((BitConverter.ToInt64(bytes, 0), BitConverter.ToInt64(bytes, 8)), (row.N0, row.N1));
        }
    }

    [Fact]
    public async Task A_reminder_row_is_keyed_as_both_engines_key_it()
    {
        var service = Guid.NewGuid().ToString("N");
        await using var cluster = await postgres.DeployAsync(service);
        await cluster.Client.GetGrain<IReminderGrain>("some/key").RegisterAsync("r", TimeSpan.FromHours(1), TimeSpan.FromHours(2));

        var row = Assert.Single(await postgres.QueryAsync(
            $"SELECT GrainId, GrainHash, ReminderName, Period FROM OrleansRemindersTable WHERE ServiceId = '{service}'",
            reader => (reader.GetString(0), reader.GetInt32(1), reader.GetString(2), reader.GetInt64(3))));

        Assert.Equal(("reminder/some/key", s_hashes["reminder/some/key"], "r", 7200000L), row);
    }

    [Fact]
    public async Task A_host_that_is_clustered_through_the_database_serves_calls()
    {
        var (siloPort, gatewayPort) = (FreePort(), FreePort());
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleans(silo =>
        {
            silo.UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = ("Npgsql", postgres.ConnectionString));
            TestCluster.AddJson(silo.Services);
            silo.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (Guid.NewGuid().ToString("N"), "host"));
            silo.Configure<GrainCollectionOptions>(options => options.CollectionQuantum = TimeSpan.FromMilliseconds(500));
            silo.Configure<EndpointOptions>(options =>
                (options.AdvertisedIPAddress, options.SiloPort, options.GatewayPort) = (System.Net.IPAddress.Loopback, siloPort, gatewayPort));
        });
        using var host = builder.Build();
        await host.StartAsync();

        Assert.Equal(5, await host.Services.GetRequiredService<IClusterClient>().GetGrain<ICallGrain>("hosted").AddAsync(2, 3));

        await host.StopAsync();
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> IsValidAsync(string statement)
    {
        await postgres.QueryAsync($"EXPLAIN {statement}", _ => 0);
        return true;
    }
}
