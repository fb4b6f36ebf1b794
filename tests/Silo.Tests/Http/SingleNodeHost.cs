using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>The real process with a bundle file, which a test may stop and start again.</summary>
public sealed class SingleNodeHost : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _connection;
    private PolicyHost? _host;

    private SingleNodeHost(string connection) => _connection = connection;

    public TestBundles Bundles { get; } = new();

    public ApiClient Admin { get; private set; } = null!;

    public ApiClient Anybody { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public string ConnectionString => _connection;

    public string DataFolder => _folder.Path;

    public string File => _folder["bundle.json"];

    public string InBundles(string name) => Path.Combine(_folder.Path, "bundles", name);

    /// <summary>With version 1.0.0 in the file and the keys' trust root installed.</summary>
    public static async Task<SingleNodeHost> StartAsync(PostgresServer server, Func<SiloSettings, SiloSettings>? change = null, bool withFile = true)
    {
        var host = new SingleNodeHost(await server.CreateDatabaseAsync());
        await System.IO.File.WriteAllBytesAsync(host._folder["trust.json"], host.Bundles.RootJson);
        if (withFile)
        {
            host.Write("1.0.0");
        }

        await host.RestartAsync(settings => (change ?? (same => same))(settings with { BundleFile = withFile ? host.File : null }));
        return host;
    }

    /// <summary>As it is, or with other settings.</summary>
    public async Task RestartAsync(Func<SiloSettings, SiloSettings>? change = null)
    {
        await StopAsync();
        _host = await PolicyHost.StartAsync((change ?? (same => same with { BundleFile = File }))(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = _folder.Path,
            ConnectionString = _connection,
            TrustRootFile = _folder["trust.json"],
        }));
        Address = new Uri(_host.Addresses.Single());
        Admin = new ApiClient(Address, (await System.IO.File.ReadAllTextAsync(_folder["admin.key"])).Trim());
        Anybody = new ApiClient(Address, key: null);
    }

    public async Task StopAsync()
    {
        if (_host is { } running)
        {
            Admin.Dispose();
            Anybody.Dispose();
            await running.DisposeAsync();
            _host = null;
        }
    }

    public void Write(string version, string? path = null) => System.IO.File.WriteAllBytes(path ?? File, Bundles.Make(version));

    public Task<ApiAnswer> DecideAsync(string capability = "orders.read") => Anybody.PostAsync("/decide", new { capability_id = capability });

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Bundles.Dispose();
        _folder.Dispose();
    }
}
