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
            await using var reader = NpgsqlDataSource.Create(As(user, _database));

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

    [Theory]
    [InlineData("webhook_cursor", "UPDATE")]
    [InlineData("session_key", "SELECT")]
    [InlineData("orleansmembershipversiontable", "DELETE")]
    public async Task A_user_who_lacks_one_right_is_refused_with_its_table_and_who_has_what_is_needed_is_not(string table, string right)
    {
        var user = "silo_" + Guid.NewGuid().ToString("n");
        await ExecuteAsync($"CREATE ROLE {user}; " + string.Join(' ', TableRights.Needed.Select(needed => $"GRANT {needed.Value} ON {needed.Key} TO {user};")));
        try
        {
            await using var silo = NpgsqlDataSource.Create(As(user, _database));
            var checks = new StartChecks(silo, Joined, TimeProvider.System, NullLogger.Instance);
            await checks.RunAsync();
            await ExecuteAsync($"REVOKE {right} ON {table} FROM {user}");

            var refused = await Assert.ThrowsAsync<DatabaseException>(() => checks.RunAsync());

            Assert.Equal(DatabaseCodes.Denied, refused.Code);
            Assert.Contains($" {table} ({right}):", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await ExecuteAsync($"DROP OWNED BY {user}; DROP ROLE {user}");
        }
    }

    [Fact]
    public async Task A_user_who_may_not_take_admissions_is_refused_with_the_function()
    {
        var user = "silo_" + Guid.NewGuid().ToString("n");
        await ExecuteAsync(
            $"CREATE ROLE {user}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}; REVOKE EXECUTE ON FUNCTION {TableRights.Function} FROM PUBLIC");
        try
        {
            await using var silo = NpgsqlDataSource.Create(As(user, _database));

            var refused = await Assert.ThrowsAsync<DatabaseException>(() => new StartChecks(silo, Joined, TimeProvider.System, NullLogger.Instance).RunAsync());

            Assert.Equal(DatabaseCodes.Denied, refused.Code);
            Assert.Contains($" {TableRights.Function} (EXECUTE):", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await ExecuteAsync($"DROP OWNED BY {user}; DROP ROLE {user}");
        }
    }

    [Fact]
    public async Task What_a_silo_needs_is_known_of_every_table_of_the_schema()
    {
        await using var command = _source.CreateCommand("SELECT array_agg(relname::text) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')");

        var tables = (string[])(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;

        Assert.Equal(tables.Order(StringComparer.Ordinal), TableRights.Needed.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task One_user_makes_the_schema_and_another_serves_with_the_grants_that_are_documented()
    {
        // The server goes with its users and databases.
        var (owner, user) = ("owner_" + Guid.NewGuid().ToString("n"), "silo_" + Guid.NewGuid().ToString("n"));
        var database = await server.CreateDatabaseAsync(empty: true);
        await ExecuteAsync($"CREATE ROLE {owner}; CREATE ROLE {user}; ALTER DATABASE {new NpgsqlConnectionStringBuilder(database).Database} OWNER TO {owner}");
        var documented = File.ReadLines(Repository.PathOf("deploy/postgres/README.md"))
            .Where(line => line.StartsWith("GRANT USAGE ", StringComparison.Ordinal) || line.StartsWith("ALTER DEFAULT PRIVILEGES ", StringComparison.Ordinal))
            .Select(line => line.Replace(" TO policy;", $" TO {user};", StringComparison.Ordinal))
            .ToArray();
        Assert.Equal(2, documented.Length);
        await using (var granting = NpgsqlDataSource.Create(As(owner, database)))
        {
            await using var grant = granting.CreateCommand(string.Join('\n', documented));
            await grant.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await new SchemaMigrator(As(owner, database), SchemaStep.Embedded(), NullLogger.Instance).MigrateAsync(TestContext.Current.CancellationToken);

        await using var plane = new ControlPlane(server) { ConnectionString = As(user, database) };
        await plane.InitializeAsync();
        using var bundles = new TestBundles();
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", bundles, nodes: 1);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        Assert.Equal(baseline, (await node.GetAsync("/fleets/edge/nodes/n000/directive")).Expect(200)["policy_hash"].GetString());
    }

    [Fact]
    public async Task A_user_who_may_do_nothing_and_a_server_that_is_full_have_codes_of_their_own()
    {
        var user = "nobody_" + Guid.NewGuid().ToString("n");
        await ExecuteAsync($"CREATE ROLE {user}");
        var powerless = As(user, _database);

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

    private static string As(string user, string database) => new NpgsqlConnectionStringBuilder(database) { Options = $"-c role={user}" }.ConnectionString;

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
