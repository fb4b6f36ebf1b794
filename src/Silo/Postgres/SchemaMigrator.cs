using System.Collections.Immutable;
using System.Diagnostics;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Brings a database to the schema of this program: each step in one transaction with its line in <c>schema_version</c>, all of it
/// under an advisory lock, so that processes that start together take turns. Doing it again does nothing.
/// </summary>
public sealed partial class SchemaMigrator(string connectionString, ImmutableArray<SchemaStep> steps, ILogger logger)
{
    // Advisory locks are numbers that all users of a database share: "policy" in ASCII.
    private const long LockKey = 0x706F6C696379;
    private const int OldestServerMajor = 15;

    private static readonly TimeSpan LockPollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>How long it waits for others: for its turn, and with each step for those who use the tables that it changes.</summary>
    internal TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Applies what is missing. Throws <see cref="DatabaseException"/>.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await OpenAsync(cancellationToken);
        try
        {
            await MigrateAsync(connection, cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw DatabaseException.Of(e);
        }
    }

    private async Task MigrateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (Missing(await ReadAppliedAsync(connection, cancellationToken)).IsEmpty)
        {
            return;
        }

        await LockAsync(connection, cancellationToken);
        await ExecuteAsync(
            connection,
            """
            CREATE TABLE IF NOT EXISTS schema_version (
                name        text COLLATE "C" PRIMARY KEY,
                applied_at  timestamptz NOT NULL,
                sha256      text NOT NULL
            )
            """,
            cancellationToken);

        // Read again: another process may have done it all while we waited for the lock.
        foreach (var step in Missing(await ReadAppliedAsync(connection, cancellationToken)))
        {
            try
            {
                await ApplyAsync(connection, step, cancellationToken);
            }
            catch (NpgsqlException e) when (e.SqlState != PostgresErrorCodes.InsufficientPrivilege)
            {
                throw new DatabaseException(
                    DatabaseCodes.SchemaFailed, $"Schema step {step.Name} failed and was taken back: {e.Message}", e);
            }
        }
    }

    /// <summary>What is to be done, given what was; refuses a database that this program must not touch.</summary>
    private ImmutableArray<SchemaStep> Missing(Dictionary<string, string> applied)
    {
        var newer = applied.Keys
            .Where(SchemaStep.IsOwn)
            .Except(steps.Select(step => step.Name), StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToArray();
        if (newer.Length > 0)
        {
            throw new DatabaseException(
                DatabaseCodes.SchemaNewer,
                $"The database was written by a newer version of this program (it has {string.Join(", ", newer)}). Use that version; nothing was changed.");
        }

        if (steps.FirstOrDefault(step => !step.IsRepeatable && applied.TryGetValue(step.Name, out var sha256) && sha256 != step.Sha256) is { } altered)
        {
            throw new DatabaseException(
                DatabaseCodes.SchemaAltered,
                $"The database was made by another {altered.Name} than this program has. A released step never changes; use the program that made it.");
        }

        return [.. steps.Where(step => !applied.TryGetValue(step.Name, out var sha256) || sha256 != step.Sha256)];
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        NpgsqlConnection? connection = null;
        try
        {
            // Its own session, without the stores' time-outs; ends with it the lock, whatever happens.
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, ApplicationName = "orleans-policy schema", CommandTimeout = 600 };
            connection = new NpgsqlConnection(settings.ConnectionString);
            await connection.OpenAsync(cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException or TimeoutException)
        {
            await (connection?.DisposeAsync() ?? ValueTask.CompletedTask);
            throw e is NpgsqlException refused
                ? DatabaseException.Of(refused)
                : new DatabaseException(DatabaseCodes.Unreachable, $"The database does not answer: {e.Message}", e);
        }

        if (connection.PostgreSqlVersion.Major < OldestServerMajor)
        {
            var version = connection.PostgreSqlVersion;
            await connection.DisposeAsync();
            throw new DatabaseException(DatabaseCodes.ServerTooOld, $"PostgreSQL {version} is too old: {OldestServerMajor} or later is needed.");
        }

        return connection;
    }

    private static async Task<Dictionary<string, string>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using (var there = new NpgsqlCommand("SELECT to_regclass('schema_version') IS NOT NULL", connection))
        {
            if (!(bool)(await there.ExecuteScalarAsync(cancellationToken))!)
            {
                return [];
            }
        }

        var applied = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var command = new NpgsqlCommand("SELECT name, sha256 FROM schema_version", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            applied.Add(reader.GetString(0), reader.GetString(1));
        }

        return applied;
    }

    private async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection) { Parameters = { new() { Value = LockKey } } };
        while (!(bool)(await command.ExecuteScalarAsync(cancellationToken))!)
        {
            if (clock.Elapsed > LockTimeout)
            {
                throw new DatabaseException(
                    DatabaseCodes.SchemaLocked, $"Another process has been changing the schema for more than {LockTimeout.TotalSeconds} s. Try again when it is done.");
            }

            await Task.Delay(LockPollInterval, cancellationToken);
        }
    }

    // Whoever reads a table stands in line behind a step that waits for a long reader of it, a dump say: so a step waits a moment only,
    // lets everybody pass, and tries again.
    private async Task ApplyAsync(NpgsqlConnection connection, SchemaStep step, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await ApplyOnceAsync(connection, step, cancellationToken);
                LogApplied(logger, step.Name, clock.ElapsedMilliseconds);
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                if (clock.Elapsed > LockTimeout)
                {
                    throw new DatabaseException(
                        DatabaseCodes.SchemaLocked,
                        $"Others have been using what schema step {step.Name} changes for more than {LockTimeout.TotalSeconds} s (a dump, an open transaction). Try again when they are done.",
                        e);
                }

                LogInTheWay(logger, step.Name);
            }

            await Task.Delay(RetryAfter, cancellationToken);
        }
    }

    private static async Task ApplyOnceAsync(NpgsqlConnection connection, SchemaStep step, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, "SET LOCAL lock_timeout = '1s'", cancellationToken);
        await ExecuteAsync(connection, step.Sql, cancellationToken);
        await using (var note = new NpgsqlCommand(
            """
            INSERT INTO schema_version (name, applied_at, sha256) VALUES ($1, now(), $2)
            ON CONFLICT (name) DO UPDATE SET applied_at = excluded.applied_at, sha256 = excluded.sha256
            """,
            connection))
        {
            note.Parameters.Add(new() { Value = step.Name });
            note.Parameters.Add(new() { Value = step.Sha256 });
            await note.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(1131, LogLevel.Information, "Schema step {Step} applied in {ElapsedMs} ms")]
    private static partial void LogApplied(ILogger logger, string step, long elapsedMs);

    [LoggerMessage(1132, LogLevel.Information, "Schema step {Step} waits for others who use what it changes")]
    private static partial void LogInTheWay(ILogger logger, string step);
}
