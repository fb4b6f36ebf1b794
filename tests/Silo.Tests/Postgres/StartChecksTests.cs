using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>What is found out before a process serves.</summary>
public sealed class StartChecksTests(PostgresServer server) : IAsyncLifetime
{
    private static readonly ClusterSettings Joined = new() { IsJoined = true };
    private string _database = "";
    private NpgsqlDataSource _source = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await server.CreateDatabaseAsync();
        _source = NpgsqlDataSource.Create(_database);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    [Fact]
    public async Task A_sound_database_is_taken_alone_and_together_again_and_again()
    {
        await CheckAsync(new ClusterSettings());
        await CheckAsync(Joined);
        await CheckAsync(Joined);
    }

    [Fact]
    public async Task A_database_belongs_to_the_first_service_on_it()
    {
        await CheckAsync(Joined with { ServiceId = "mine" });

        Assert.Equal("cluster.service_id", (await Assert.ThrowsAsync<ConfigurationFailureException>(() => CheckAsync(Joined))).Code);
        await CheckAsync(new ClusterSettings { ServiceId = "mine" });
    }

    [Fact]
    public async Task Silos_of_another_cluster_that_live_are_in_the_way_and_dead_ones_are_not()
    {
        await MemberAsync("other", status: 3, secondsAgo: 2);
        Assert.Equal("cluster.others", (await Assert.ThrowsAsync<StartFailureException>(() => CheckAsync(Joined))).Code);
        Assert.Equal("cluster.others", (await Assert.ThrowsAsync<StartFailureException>(() => CheckAsync(new ClusterSettings()))).Code);

        await CheckAsync(Joined with { ClusterId = "other" });

        await ExecuteAsync("UPDATE OrleansMembershipTable SET IAmAliveTime = now() - interval '1 minute'");
        await CheckAsync(Joined);
        await ExecuteAsync("UPDATE OrleansMembershipTable SET IAmAliveTime = now(), Status = 6");
        await CheckAsync(new ClusterSettings());
    }

    [Fact]
    public async Task A_process_that_works_alone_is_in_the_way_of_silos_until_it_is_gone()
    {
        var alone = new PolicyDatabaseOptions { ConnectionString = _database, Private = new PrivatePostgresOptions { DataFolder = "none" } };
        await using (var database = await PolicyDatabase.OpenAsync(alone, NullLoggerFactory.Instance))
        {
            await using var held = await database.DataSource.OpenConnectionAsync();

            var refused = await Assert.ThrowsAsync<StartFailureException>(() => CheckAsync(Joined));

            Assert.Equal("cluster.others", refused.Code);
            Assert.Contains("alone", refused.Message, StringComparison.Ordinal);
            await CheckAsync(new ClusterSettings());
        }

        // Its connections end when the server has noticed; another silo is not in the way.
        await Eventually.BecomesAsync(() => IsTakenAsync(Joined), true);
        await using var shared = await PolicyDatabase.OpenAsync(alone with { Shared = true }, NullLoggerFactory.Instance);
        await using var silo = await shared.DataSource.OpenConnectionAsync();
        await CheckAsync(Joined);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(-300)]
    public async Task A_clock_that_is_minutes_off_keeps_a_silo_out_of_a_cluster(int seconds)
    {
        var time = new OffClock(TimeSpan.FromSeconds(seconds));

        Assert.Equal("clock.skewed", (await Assert.ThrowsAsync<StartFailureException>(() => CheckAsync(Joined, time))).Code);

        // Alone there is nobody whose clock could disagree.
        await CheckAsync(new ClusterSettings(), time);
    }

    [Fact]
    public async Task A_user_who_may_only_read_is_refused_with_the_tables()
    {
        var user = "reader_" + Guid.NewGuid().ToString("n");
        await ExecuteAsync($"CREATE ROLE {user} LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}");
        try
        {
            await using var reader = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_database) { Options = $"-c role={user}" }.ConnectionString);

            var refused = await Assert.ThrowsAsync<DatabaseException>(
                () => new StartChecks(reader, Joined, TimeProvider.System, NullLogger.Instance).RunAsync());

            Assert.Equal(DatabaseCodes.Denied, refused.Code);
            Assert.Contains("policy_audit", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await ExecuteAsync($"DROP OWNED BY {user}; DROP ROLE {user}");
        }
    }

    [Fact]
    public async Task A_user_who_may_do_nothing_and_a_server_that_is_full_have_codes_of_their_own()
    {
        var user = "nobody_" + Guid.NewGuid().ToString("n");
        await ExecuteAsync($"CREATE ROLE {user}");
        var powerless = new NpgsqlConnectionStringBuilder(_database) { Options = $"-c role={user}" }.ConnectionString;

        var refused = await Assert.ThrowsAsync<DatabaseException>(() => new SchemaMigrator(powerless, SchemaStep.Embedded(), NullLogger.Instance).MigrateAsync());

        Assert.Equal(DatabaseCodes.Denied, refused.Code);
        await ExecuteAsync($"DROP ROLE {user}");
        Assert.Equal(DatabaseCodes.Full, DatabaseException.Of(new PostgresException("sorry, too many clients already", "FATAL", "FATAL", "53300")).Code);
        Assert.Equal(DatabaseCodes.Denied, DatabaseException.Of(new PostgresException("password authentication failed", "FATAL", "FATAL", "28P01")).Code);
        Assert.Equal(DatabaseCodes.Unreachable, DatabaseException.Of(new NpgsqlException("no route")).Code);
    }

    [Fact]
    public void Only_what_a_later_start_cannot_mend_keeps_the_process_down()
    {
        var codes = typeof(DatabaseCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!);

        var lasting = codes.Where(code => !new DatabaseException(code, "").MayPass);

        Assert.Equal(
            ["data.in_use", "data.unwritable", "postgres.missing", "postgres.no_user", "postgres.too_old", "schema.altered", "schema.newer"],
            lasting.Order(StringComparer.Ordinal));
    }

    private Task CheckAsync(ClusterSettings cluster, TimeProvider? time = null) =>
        new StartChecks(_source, cluster, time ?? TimeProvider.System, NullLogger.Instance).RunAsync();

    private async Task<bool> IsTakenAsync(ClusterSettings cluster)
    {
        try
        {
            await CheckAsync(cluster);
            return true;
        }
        catch (StartFailureException)
        {
            return false;
        }
    }

    private Task MemberAsync(string cluster, int status, int secondsAgo) => ExecuteAsync(
        $"""
        INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES ('{cluster}');
        INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
        VALUES ('{cluster}', '10.0.0.1', 11111, 1, 'a', 'a', {status}, 30000, now(), now() - interval '{secondsAgo} s')
        """);

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private sealed class OffClock(TimeSpan off) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + off;
    }
}
