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

    public async ValueTask InitializeAsync()
    {
        _server = await PrivatePostgres.StartAsync(new PrivatePostgresOptions
        {
            DataFolder = _folder.Path,
            Settings = ImmutableSortedDictionary<string, string>.Empty
                .Add("shared_preload_libraries", "pg_stat_statements")
                .Add("max_connections", "300"),
        });
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
