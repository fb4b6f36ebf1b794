using Npgsql;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// What must hold between this process and its database before it serves: rights, whose database it is, who else works on it, and
/// what time it is. Found out at the start it is one line; later it would be a rollout that goes wrong.
/// </summary>
internal sealed partial class StartChecks(NpgsqlDataSource dataSource, ClusterSettings cluster, TimeProvider time, ILogger logger)
{
    /// <summary>How often a silo says in the database that it lives; one that missed three of them does not.</summary>
    public static readonly TimeSpan AliveEvery = TimeSpan.FromSeconds(5);

    /// <summary>Clocks that differ by more are told of: fencing allows a second between silos.</summary>
    private static readonly TimeSpan SkewWarned = TimeSpan.FromSeconds(1);

    /// <summary>And by more than this, a silo may not join: it would take nodes for fenced that still serve.</summary>
    private static readonly TimeSpan SkewRefused = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the connections of a process that was killed may outlast it: the server notices once it has ended their statements,
    /// for which it takes no longer than this.
    /// </summary>
    private static readonly TimeSpan AloneGoneWithin = TimeSpan.FromSeconds(5);

    /// <summary>Throws <see cref="DatabaseException"/>, <see cref="ConfigurationFailureException"/> or <see cref="StartFailureException"/>.</summary>
    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await CheckRightsAsync(cancellationToken);
            await CheckOwnerAsync(cancellationToken);
            await CheckOthersAsync(cancellationToken);
            await CheckAloneAsync(cancellationToken);
            await CheckClockAsync(cancellationToken);
        }
        catch (NpgsqlException exception)
        {
            throw DatabaseException.Of(exception);
        }
    }

    /// <summary>
    /// Whether a process that works alone is on the database that this one would share. Asked again once it has joined: of two that
    /// begin at the same moment one sees the other. Throws <see cref="StartFailureException"/>.
    /// </summary>
    public async Task CheckAloneAsync(CancellationToken cancellationToken = default)
    {
        for (var began = time.GetTimestamp(); cluster.IsJoined && await FindAloneAsync(cancellationToken) is { } alone; await Task.Delay(100, cancellationToken))
        {
            if (time.GetElapsedTime(began) > AloneGoneWithin)
            {
                throw new StartFailureException(
                    "cluster.others", $"A process that works alone uses this database (server process {alone}): stop it, or start it with --cluster adonet too.");
            }
        }
    }

    private async Task CheckRightsAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            """
            SELECT string_agg(format('%s (%s)', name, rights), ', ' ORDER BY name)
            FROM (
                SELECT name, string_agg(wanted, ', ' ORDER BY wanted) AS rights
                FROM unnest($1, $2) AS needed (name, list), string_to_table(list, ', ') AS wanted
                WHERE has_table_privilege(to_regclass(name), wanted) IS NOT TRUE
                GROUP BY name
                UNION ALL
                SELECT $3, 'EXECUTE' WHERE has_function_privilege(to_regproc($3), 'EXECUTE') IS NOT TRUE) AS missing
            """);
        command.Parameters.Add(SqlValue.Texts(TableRights.Needed.Keys));
        command.Parameters.Add(SqlValue.Texts(TableRights.Needed.Values));
        command.Parameters.Add(SqlValue.Text(TableRights.Function));
        if (await command.ExecuteScalarAsync(cancellationToken) is string missing)
        {
            throw new DatabaseException(
                DatabaseCodes.Denied, $"The database user lacks rights on {missing}: deploy/postgres/README.md has what a user who does not own the schema is granted.");
        }
    }

    private async Task CheckOwnerAsync(CancellationToken cancellationToken)
    {
        await using var claim = dataSource.CreateCommand("INSERT INTO installation (service_id) VALUES ($1) ON CONFLICT DO NOTHING");
        claim.Parameters.Add(new() { Value = cluster.ServiceId });
        await claim.ExecuteNonQueryAsync(cancellationToken);
        await using var owner = dataSource.CreateCommand("SELECT service_id FROM installation");
        if ((string)(await owner.ExecuteScalarAsync(cancellationToken))! is var serviceId && serviceId != cluster.ServiceId)
        {
            throw new ConfigurationFailureException(
                "cluster.service_id", $"The database belongs to the service '{serviceId}', not '{cluster.ServiceId}': two services on one database would share fleets and not their reminders.");
        }
    }

    private async Task CheckOthersAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            """
            SELECT string_agg(format('%s (%s:%s)', DeploymentId, Address, Port), ', ' ORDER BY Address, Port)
            FROM OrleansMembershipTable
            WHERE Status = 3 AND IAmAliveTime > now() - $1 AND DeploymentId IS DISTINCT FROM $2
            """);
        command.Parameters.Add(new() { Value = AliveEvery * 3 });
        command.Parameters.Add(new() { Value = cluster.IsJoined ? cluster.ClusterId : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        if (await command.ExecuteScalarAsync(cancellationToken) is string others)
        {
            throw new StartFailureException(
                "cluster.others",
                $"Other silos work on this database: {others}. "
                + (cluster.IsJoined ? $"This one would be of cluster '{cluster.ClusterId}'. " : "Join them with --cluster adonet. ")
                + $"Silos that were killed are forgotten after {(AliveEvery * 3).TotalSeconds} s.");
        }
    }

    private async Task<string?> FindAloneAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "SELECT string_agg(pid::text, ', ' ORDER BY pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1");
        command.Parameters.Add(new() { Value = PolicyDatabase.AloneApplicationName });
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }

    private async Task CheckClockAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT clock_timestamp()", connection);
        var began = time.GetTimestamp();
        var here = time.GetUtcNow();
        var there = (DateTime)(await command.ExecuteScalarAsync(cancellationToken))!;

        // The database looked at its clock at some moment between.
        var took = time.GetElapsedTime(began);
        var skew = there < here.UtcDateTime ? here.UtcDateTime - there : there - here.UtcDateTime - took;
        if (skew > SkewRefused && cluster.IsJoined)
        {
            throw new StartFailureException(
                "clock.skewed", $"The clock of this machine and the database's differ by {skew.TotalSeconds:0} s; at most {SkewRefused.TotalSeconds:0} s are allowed in a cluster. Set the clock.");
        }

        if (skew > SkewWarned)
        {
            LogSkew(skew.TotalSeconds);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "clock.skewed: the clock of this machine and the database's differ by {Seconds:0.0} s.")]
    private partial void LogSkew(double seconds);
}
