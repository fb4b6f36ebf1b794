using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Benchmarks.Faults;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Benchmarks;

/// <summary>A PostgreSQL that the control plane reaches by a connection string, so that it can be stopped and started by itself.</summary>
internal sealed class OwnDatabase : IAsyncDisposable
{
    private readonly PrivatePostgresOptions _options;
    private readonly SiloNetwork? _network;
    private PrivatePostgres? _server;

    private OwnDatabase(PrivatePostgresOptions options, SiloNetwork? network) => (_options, _network) = (options, network);

    /// <summary>The same after each start.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>Starts it in a new data folder, which it removes at its end.</summary>
    /// <param name="network">The network on which it listens; null: none, it is reached by its socket.</param>
    /// <param name="settings">Further settings of the server.</param>
    public static async Task<OwnDatabase> CreateAsync(SiloNetwork? network = null, params (string Name, string Value)[] settings)
    {
        var folder = ControlPlane.NewDataFolder();
        var all = settings.ToImmutableSortedDictionary(setting => setting.Name, setting => setting.Value);
        var made = new OwnDatabase(
            new PrivatePostgresOptions { DataFolder = folder, Settings = network is null ? all : all.SetItems(await ListenAsync(network, folder)) }, network);
        await made.StartAsync();
        made.ConnectionString = made.ConnectionStringNow;
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

    private string ConnectionStringNow => _network is null
        ? _server!.ConnectionString
        : new NpgsqlConnectionStringBuilder(_server!.ConnectionString) { Host = _network.Hub.ToString() }.ConnectionString;

    // Whoever is on the network is let in: nobody else is.
    private static async Task<IEnumerable<KeyValuePair<string, string>>> ListenAsync(SiloNetwork network, string folder)
    {
        var rules = Path.Combine(folder, "pg_hba.conf");
        await File.WriteAllTextAsync(rules, $"local all all trust\nhost all all {network.Subnet} trust\n");
        return [new("hba_file", rules), new("listen_addresses", network.Hub.ToString())];
    }
}
