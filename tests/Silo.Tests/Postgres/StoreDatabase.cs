using Npgsql;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Contracts;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>A database for the tests of one class, with the stores on it.</summary>
public sealed class StoreDatabase(PostgresServer server) : IAsyncLifetime
{
    private NpgsqlDataSource? _dataSource;

    public string ConnectionString { get; private set; } = "";

    public NpgsqlDataSource DataSource => _dataSource!;

    public async ValueTask InitializeAsync()
    {
        ConnectionString = await server.CreateDatabaseAsync();
        _dataSource = PolicyDatabase.CreateDataSource(ConnectionString, poolSizeMax: 20);
    }

    public async ValueTask DisposeAsync() => await DataSource.DisposeAsync();

    public StoreUnderTest Open()
    {
        var clock = new ManualClock();
        return new StoreUnderTest(
            new PostgresRolloutStore(DataSource, clock),
            new PostgresCatalogStore(DataSource),
            new PostgresAuditStore(DataSource),
            new PostgresKeyStore(DataSource),
            clock);
    }

    /// <summary>Runs SQL past the stores.</summary>
    public async Task<object?> ExecuteAsync(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
