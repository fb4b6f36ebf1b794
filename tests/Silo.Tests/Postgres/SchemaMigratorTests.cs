using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Postgres;

public sealed class SchemaMigratorTests(PostgresServer server)
{
    private static readonly ImmutableArray<SchemaStep> TwoSteps =
    [
        new("orleans-things.sql", "CREATE TABLE IF NOT EXISTS thing (id int)"),
        new("policy-001.sql", "CREATE TABLE one (id int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$"),
    ];

    [Fact]
    public async Task The_programs_own_schema_applies_and_applying_it_again_does_nothing()
    {
        var database = await server.CreateDatabaseAsync(empty: true);

        await MigrateAsync(database, SchemaStep.Embedded());
        var first = await VersionsAsync(database);
        await MigrateAsync(database, SchemaStep.Embedded());

        Assert.Equal(SchemaStep.Embedded().Select(step => $"{step.Name} {step.Sha256}"), first.Select(line => line.Split(" at ")[0]));
        Assert.Equal(first, await VersionsAsync(database));
        Assert.Contains(SchemaStep.Embedded(), step => step.Name == "policy-001.sql");
    }

    [Fact]
    public async Task Processes_that_start_together_take_turns()
    {
        var database = await server.CreateDatabaseAsync(empty: true);

        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => MigrateAsync(database, SchemaStep.Embedded())));

        Assert.Equal(SchemaStep.Embedded().Length, (await VersionsAsync(database)).Length);
    }

    [Fact]
    public async Task A_newer_database_is_refused_and_left_as_it_is()
    {
        var database = await server.CreateDatabaseAsync(empty: true);
        await MigrateAsync(database, [.. TwoSteps, new SchemaStep("policy-002.sql", "CREATE TABLE two (id int)")]);
        var before = await VersionsAsync(database);

        var refused = await Assert.ThrowsAsync<DatabaseException>(() => MigrateAsync(database, TwoSteps));

        Assert.Equal(DatabaseCodes.SchemaNewer, refused.Code);
        Assert.Contains("policy-002.sql", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await VersionsAsync(database));
    }

    [Fact]
    public async Task A_step_that_was_applied_never_changes()
    {
        var database = await server.CreateDatabaseAsync(empty: true);
        await MigrateAsync(database, TwoSteps);

        var refused = await Assert.ThrowsAsync<DatabaseException>(
            () => MigrateAsync(database, [TwoSteps[0], TwoSteps[1] with { Sql = "CREATE TABLE other (id int)" }]));

        Assert.Equal(DatabaseCodes.SchemaAltered, refused.Code);
    }

    [Fact]
    public async Task A_repeatable_step_runs_again_when_it_changed_and_an_older_program_does_not_mind_it()
    {
        var database = await server.CreateDatabaseAsync(empty: true);
        await MigrateAsync(database, TwoSteps);

        await MigrateAsync(database, [TwoSteps[0] with { Sql = "CREATE TABLE IF NOT EXISTS thing (id int); INSERT INTO thing VALUES (7)" }, TwoSteps[1]]);
        await MigrateAsync(database, [TwoSteps[1]]);

        Assert.Equal(7, await ScalarAsync(database, "SELECT id FROM thing"));
    }

    [Fact]
    public async Task A_step_that_fails_leaves_nothing_of_itself()
    {
        var database = await server.CreateDatabaseAsync(empty: true);

        var failed = await Assert.ThrowsAsync<DatabaseException>(
            () => MigrateAsync(database, [.. TwoSteps, new SchemaStep("policy-002.sql", "CREATE TABLE two (id int); SELECT 1 / 0")]));

        Assert.Equal(DatabaseCodes.SchemaFailed, failed.Code);
        Assert.Contains("policy-002.sql", failed.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await VersionsAsync(database)).Length);
        Assert.Equal(true, await ScalarAsync(database, "SELECT to_regclass('two') IS NULL AND to_regclass('one') IS NOT NULL"));
    }

    [Fact]
    public async Task A_step_that_has_to_wait_for_a_dump_makes_nobody_else_wait_for_it()
    {
        var database = await server.CreateDatabaseAsync(empty: true);
        await MigrateAsync(database, TwoSteps);
        ImmutableArray<SchemaStep> more = [.. TwoSteps, new SchemaStep("policy-002.sql", "ALTER TABLE one ADD COLUMN other int")];
        await using var dumping = new NpgsqlConnection(database + ";Pooling=false");
        await dumping.OpenAsync();
        await using var dump = await dumping.BeginTransactionAsync();
        await using (var reading = new NpgsqlCommand("LOCK TABLE one IN ACCESS SHARE MODE", dumping))
        {
            await reading.ExecuteNonQueryAsync();
        }

        // Who has no patience says so and leaves nothing behind.
        var locked = await Assert.ThrowsAsync<DatabaseException>(
            () => new SchemaMigrator(database, more, NullLogger.Instance) { LockTimeout = TimeSpan.FromSeconds(1) }.MigrateAsync().WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(DatabaseCodes.SchemaLocked, locked.Code);
        Assert.Equal(2, (await VersionsAsync(database)).Length);

        // Longer than anybody holds anything here. Each reader that comes behind the step is let through while the dump goes on.
        var migrating = new SchemaMigrator(database, more, NullLogger.Instance) { LockTimeout = TimeSpan.FromMinutes(10) }.MigrateAsync();
        for (var reader = 1; reader <= 2; reader++)
        {
            await Eventually.BecomesAsync(() => ScalarAsync(database, "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'one'::regclass AND NOT granted)"), true);
            Assert.Equal(0L, await ScalarAsync(database, "SELECT count(*) FROM one"));
        }

        Assert.False(migrating.IsCompleted);
        await dump.RollbackAsync();
        await migrating.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(3, (await VersionsAsync(database)).Length);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_named_as_the_reason()
    {
        var nowhere = new NpgsqlConnectionStringBuilder { Host = "/nowhere", Username = "x", Database = "y", Timeout = 2 }.ConnectionString;

        var unreachable = await Assert.ThrowsAsync<DatabaseException>(() => MigrateAsync(nowhere, TwoSteps));
        var nonsense = await Assert.ThrowsAsync<DatabaseException>(() => MigrateAsync("no=such;option", TwoSteps));

        Assert.Equal([DatabaseCodes.Unreachable, DatabaseCodes.Unreachable], [unreachable.Code, nonsense.Code]);
    }

    private static Task MigrateAsync(string database, ImmutableArray<SchemaStep> steps) =>
        new SchemaMigrator(database, steps, NullLogger.Instance).MigrateAsync();

    private static async Task<string[]> VersionsAsync(string database) =>
        (string[])(await ScalarAsync(database, "SELECT array_agg(name || ' ' || sha256 || ' at ' || applied_at ORDER BY name) FROM schema_version"))!;

    private static async Task<object?> ScalarAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
