using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Postgres;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>One private server for all tests of the assembly, in a folder of its own that goes with it.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private const string Template = "policy_template";

    private readonly TemporaryFolder _folder = new();
    private PrivatePostgres? _server;

    /// <summary>Whether the server has pg_stat_statements. Debian's package brings it; elsewhere it may be one of its own.</summary>
    public bool CountsStatements { get; private set; } = true;

    public async ValueTask InitializeAsync()
    {
        var options = new PrivatePostgresOptions
        {
            DataFolder = _folder.Path,

            // Nothing here is to outlast a loss of power.
            Settings = ImmutableSortedDictionary<string, string>.Empty.Add("max_connections", "300").Add("fsync", "off"),
        };
        try
        {
            _server = await PrivatePostgres.StartAsync(
                options with { Settings = options.Settings.Add("shared_preload_libraries", "pg_stat_statements") });
        }
        catch (DatabaseException e) when (e.Message.Contains("pg_stat_statements", StringComparison.Ordinal))
        {
            CountsStatements = false;
            _server = await PrivatePostgres.StartAsync(options);
        }

        await ExecuteAsync($"CREATE DATABASE {Template}");
        await new SchemaMigrator(ConnectionStringTo(Template), SchemaStep.Embedded(), NullLogger.Instance).MigrateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _folder.Dispose();
    }

    /// <summary>A new database; with the schema in place, unless it is to be empty.</summary>
    public async Task<string> CreateDatabaseAsync(bool empty = false)
    {
        var name = "test_" + Guid.NewGuid().ToString("n");
        await ExecuteAsync(empty ? $"CREATE DATABASE {name}" : $"CREATE DATABASE {name} TEMPLATE {Template}");
        return ConnectionStringTo(name);
    }

    private string ConnectionStringTo(string database) => new NpgsqlConnectionStringBuilder(_server!.ConnectionString) { Database = database }.ConnectionString;

    private async Task ExecuteAsync(string sql)
    {
        var unpooled = new NpgsqlConnectionStringBuilder(_server!.ConnectionString) { Pooling = false }.ConnectionString;
        await using var connection = new NpgsqlConnection(unpooled);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
