using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Benchmarks;

/// <summary>A PostgreSQL that the control plane reaches by a connection string, so that it can be stopped and started by itself.</summary>
internal sealed class OwnDatabase : IAsyncDisposable
{
    private readonly PrivatePostgresOptions _options = new() { DataFolder = ControlPlane.NewDataFolder() };
    private PrivatePostgres? _server;

    private OwnDatabase()
    {
    }

    /// <summary>The same after each start.</summary>
    public string ConnectionString { get; private set; } = "";

    public static async Task<OwnDatabase> CreateAsync()
    {
        var made = new OwnDatabase();
        await made.StartAsync();
        made.ConnectionString = made._server!.ConnectionString;
        return made;
    }

    public async Task StartAsync() => _server = await PrivatePostgres.StartAsync(_options);

    public async Task StopAsync()
    {
        await (_server?.DisposeAsync() ?? ValueTask.CompletedTask);
        _server = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_options.DataFolder, recursive: true);
    }
}
