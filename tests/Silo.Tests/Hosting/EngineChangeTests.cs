using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using OrleansPolicy.Grains;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>
/// A database that one process began and three silos of a cluster went on with (<c>Fixtures/cluster.sql</c>), opened by one process of
/// this build: everything is there, and the rollout that was in the middle of a stage goes on.
/// </summary>
public sealed class EngineChangeTests(PostgresServer server) : IAsyncLifetime
{
    private const string Rollout = "/v1/default/rollouts/01a1fcb224137d48b69718a24ce73aaa";
    private const string Baseline = "229a1c6cb0391c82970fbce73536368a56b9d9acbc90d9235fbc623552a7a00a";
    private const int EntriesBefore = 22;

    // A minute after the silos stopped: none of the nodes has been away for long.
    private static readonly DateTimeOffset Opened = new(2026, 11, 21, 6, 4, 20, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();
    private NpgsqlDataSource _database = null!;
    private PolicyHost _host = null!;
    private ApiClient _admin = null!;

    public async ValueTask InitializeAsync()
    {
        var connectionString = await server.CreateDatabaseAsync();
        _database = NpgsqlDataSource.Create(connectionString);

        // What an empty schema begins with is in the dump too.
        await ExecuteAsync("DELETE FROM audit_head; DELETE FROM tenant; DELETE FROM arm_head");
        await ExecuteAsync(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Fixtures", "cluster.sql")));
        var settings = new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = _folder.Path, ConnectionString = connectionString };
        var clock = new ShiftedClock(Opened - DateTimeOffset.UtcNow);
        _host = await PolicyHost.StartAsync(settings, builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(clock);
            builder.Services.AddKeyedSingleton<TimeProvider>(PolicyClock.Key, clock);
        });
        _admin = new ApiClient(new Uri(_host.Addresses.Single()), (await File.ReadAllTextAsync(_folder["admin.key"])).Trim());
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        await (_host?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_a_cluster_wrote_is_all_there()
    {
        var rollout = (await _admin.GetAsync(Rollout)).Expect(200);
        Assert.Equal(("ACTIVE", "quarter", 25, 2), (rollout["state"].GetString(), rollout["stage_id"].GetString(), rollout["percentage"].GetDecimal(), rollout["epoch"].GetInt64()));
        Assert.Equal(
            ["1.0.0", "1.1.0", "1.2.0"],
            (await _admin.GetAsync("/v1/default/bundles")).Expect(200)["bundles"].EnumerateArray().Select(bundle => bundle.GetProperty("version").GetString()).Order(StringComparer.Ordinal));
        Assert.Equal("1.2.0", (await _admin.GetAsync("/v1/default/bundles/tag:next")).Expect(200)["version"].GetString());
        Assert.Equal(600, (await _admin.GetAsync("/v1/default/admission")).Expect(200)["max_updates_per_minute"].GetDouble());

        // Grain state: each engine wrote one of the two reloads.
        var node = (await _admin.GetAsync("/v1/default/fleets/edge/nodes/n0")).Expect(200);
        Assert.Equal(2, node["history"].GetArrayLength());
        Assert.Equal(Baseline, node["history"][0].GetProperty("policy_hash").GetString());
        Assert.Equal(8, (await _admin.GetAsync("/v1/default/fleets/edge/nodes")).Expect(200)["nodes"].GetArrayLength());

        // The first admin key of this data folder is one more entry of the same chain.
        var audit = (await _admin.GetAsync("/v1/default/audit/verify")).Expect(200);
        Assert.Equal((true, EntriesBefore + 1), (audit["valid"].GetBoolean(), audit["entries"].GetInt64()));
    }

    [Fact]
    public async Task The_rollout_goes_on_to_its_end()
    {
        Assert.Equal(1L, await ExecuteAsync("SELECT count(*) FROM OrleansRemindersTable"));
        (await _admin.PostAsync(Rollout + "/rollback", new { reason = "seen enough" })).Expect(200);

        for (var node = 0; node < 8; node++)
        {
            var report = new { boot_id = "after", seq = 1, at = Opened, epoch = 3, arm_epoch = 0, policy_hash = Baseline, armed = true, ack = true };
            (await _admin.PostAsync($"/v1/default/fleets/edge/nodes/n{node}/report", report)).Expect(200);
        }

        await Eventually.BecomesAsync(async () => (await _admin.GetAsync(Rollout)).Expect(200)["state"].GetString(), "ROLLED_BACK");
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync(Rollout)).Expect(200)["rollback"].TryGetProperty("over_at", out _), true);
        Assert.Equal(3, (await _admin.GetAsync("/v1/default/fleets/edge")).Expect(200)["directive"].GetProperty("epoch").GetInt64());
        Assert.True((await _admin.GetAsync("/v1/default/audit/verify")).Expect(200)["valid"].GetBoolean());

        // The reminder that the cluster set is this engine's to end.
        await Eventually.BecomesAsync(() => ExecuteAsync("SELECT count(*) FROM OrleansRemindersTable"), 0L);
    }

    private async Task<object?> ExecuteAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private sealed class ShiftedClock(TimeSpan shift) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + shift;
    }
}
