using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>The real process with a private server of its own; both can be stopped and come back where they were.</summary>
internal sealed class FailingPlane : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private SiloSettings _settings = null!;
    private PolicyHost? _host;

    public PolicyHost Host => _host!;

    public Uri Address { get; private set; } = null!;

    public string AdminKey { get; private set; } = "";

    /// <param name="hourSeconds">How long a contract hour lasts.</param>
    /// <param name="dataFolder">Where its data goes; null: a folder that goes with it.</param>
    public static async Task<FailingPlane> StartAsync(double hourSeconds, string? dataFolder = null)
    {
        var plane = new FailingPlane();
        plane._settings = new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = dataFolder ?? plane._folder.Path, HourSeconds = hourSeconds };
        await plane.StartProcessAsync();
        plane.Address = new Uri(plane.Host.Addresses.Single());
        plane.AdminKey = (await File.ReadAllTextAsync(Path.Combine(plane._settings.DataFolder, "admin.key"))).Trim();

        // From now on it comes back at the same address.
        plane._settings = plane._settings with { Urls = plane.Address.GetLeftPart(UriPartial.Authority) };
        return plane;
    }

    public Task StopDatabaseAsync() => Host.Database.Private!.SuspendAsync();

    public Task StartDatabaseAsync() => Host.Database.Private!.ResumeAsync();

    public async Task StopProcessAsync()
    {
        var host = Interlocked.Exchange(ref _host, null);
        await (host?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    public async Task StartProcessAsync() => _host = await PolicyHost.StartAsync(_settings);

    public async ValueTask DisposeAsync()
    {
        await StopProcessAsync();
        _folder.Dispose();
    }
}
