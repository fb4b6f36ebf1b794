using System.Diagnostics;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// The database of the process, with the schema in place: a private server or one that a connection string names. Disposing
/// closes the connections and stops the private server.
/// </summary>
public sealed class PolicyDatabase : IAsyncDisposable
{
    /// <summary>The name of the stores' connections.</summary>
    internal const string ApplicationName = "orleans-policy";

    /// <summary>Their name where the process works alone: silos that find it on their database do not join.</summary>
    internal const string AloneApplicationName = "orleans-policy-alone";

    /// <summary>
    /// Limits that the server keeps, for when this process cannot: frozen between two statements it must not hold the lock on a
    /// tenant's audit head against every other silo.
    /// </summary>
    private const string ServerSideLimits =
        "-c statement_timeout=4500 -c lock_timeout=3500 -c idle_in_transaction_session_timeout=3000";

    private PolicyDatabase(string connectionString, NpgsqlDataSource dataSource, NpgsqlDataSource grainDataSource, PrivatePostgres? @private)
    {
        ConnectionString = connectionString;
        DataSource = dataSource;
        Private = @private;
        GrainDataSource = grainDataSource;
    }

    /// <summary>How the database is reached.</summary>
    public string ConnectionString { get; }

    /// <summary>The stores' connections: short time-outs, statements prepared by themselves.</summary>
    public NpgsqlDataSource DataSource { get; }

    /// <summary>
    /// The AdoNet providers' connections: a pool of their own, with a bound, because grain states are written in bursts and must never
    /// use up what the stores need; and closed with the database, so that none outlives the server it leads to.
    /// </summary>
    public NpgsqlDataSource GrainDataSource { get; }

    /// <summary>The private server; null with a connection string.</summary>
    public PrivatePostgres? Private { get; }

    /// <summary>Starts the private server if there is to be one, and brings the schema up to date. Throws <see cref="DatabaseException"/>.</summary>
    public static async Task<PolicyDatabase> OpenAsync(
        PolicyDatabaseOptions options, ILoggerFactory loggers, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var logger = loggers.CreateLogger("OrleansPolicy.Database");
        var server = options.ConnectionString is null
            ? await PrivatePostgres.StartAsync(options.Private, logger, cancellationToken)
            : null;
        try
        {
            var connectionString = options.ConnectionString ?? server!.ConnectionString;
            await new SchemaMigrator(connectionString, SchemaStep.Embedded(), logger).MigrateAsync(cancellationToken);
            var forGrains = options.ConnectionsMax / 3;
            return new PolicyDatabase(
                connectionString,
                CreateDataSource(connectionString, options.ConnectionsMax - forGrains, loggers, options.Shared ? ApplicationName : AloneApplicationName),
                CreateGrainDataSource(connectionString, forGrains),
                server);
        }
        catch
        {
            if (server is not null)
            {
                await server.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>Connections for the stores.</summary>
    internal static NpgsqlDataSource CreateDataSource(string connectionString, int poolSizeMax, ILoggerFactory? loggers = null, string applicationName = ApplicationName)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = applicationName,
            MaxPoolSize = poolSizeMax,
            Timeout = 4,
            CommandTimeout = 5,
            CancellationTimeout = 500,
            MaxAutoPrepare = 100,
            AutoPrepareMinUsages = 2,
            Enlist = false,

            // Which statement of a batch broke a constraint decides what the answer is (GuardedBatch).
            IncludeFailedBatchedCommand = true,

            // The stores leave nothing behind in a session, so a connection needs no reset (which would cost statements).
            NoResetOnClose = true,
        };
        settings.Options = string.IsNullOrEmpty(settings.Options) ? ServerSideLimits : $"{settings.Options} {ServerSideLimits}";
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = "policy" };

        // Where somebody traces, a statement is part of what caused it; those that look every second for what changed are nobody's.
        builder.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(_ => Activity.Current is not null)
            .ConfigureBatchFilter(_ => Activity.Current is not null));
        return (loggers is null ? builder : builder.UseLoggerFactory(loggers)).Build();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await GrainDataSource.DisposeAsync();
        if (Private is not null)
        {
            await Private.DisposeAsync();
        }
    }

    private static NpgsqlDataSource CreateGrainDataSource(string connectionString, int poolSizeMax) => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
    {
        ApplicationName = "orleans-policy-grains",
        MaxPoolSize = poolSizeMax,
    });
}
