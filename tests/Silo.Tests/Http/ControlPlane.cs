using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>The real process, in process: its database, its silo and its HTTP server on a free port.</summary>
public sealed class ControlPlane(PostgresServer server) : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private int _tenants;

    /// <summary>The database, where it is not a new one.</summary>
    public string? ConnectionString { get; init; }

    public PolicyHost Host { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    /// <summary>Shows the admin key of the installation.</summary>
    public ApiClient Admin { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await PolicyHost.StartAsync(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = _folder.Path,
            ConnectionString = ConnectionString ?? await server.CreateDatabaseAsync(),
        });
        Address = new Uri(Host.Addresses.Single());
        Admin = new ApiClient(Address, (await File.ReadAllTextAsync(_folder["admin.key"])).Trim());
    }

    public async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        await Host.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A client that shows no key.</summary>
    public ApiClient Anybody() => new(Address, key: null);

    /// <summary>As after a restart: only what is stored is known.</summary>
    public void ForgetOperations() => Host.Services.GetRequiredService<OperationMemory>().Clear();

    /// <summary>A tenant that no other test knows, with an admission limit that is in nobody's way.</summary>
    public async Task<TestTenant> NewTenantAsync(double updatesPerMinute = 60_000, double minIntervalSec = 0)
    {
        var name = $"tenant-{Interlocked.Increment(ref _tenants)}";
        (await Admin.PutAsync($"/v1/{name}", new { })).Expect(201);
        (await Admin.PutAsync($"/v1/{name}/admission/config", new { max_updates_per_minute = updatesPerMinute, min_interval_sec = minIntervalSec })).Expect(200);
        return new TestTenant(this, name);
    }
}

/// <summary>Tests of one process.</summary>
[CollectionDefinition(Name)]
public sealed class OneControlPlane : ICollectionFixture<ControlPlane>
{
    public const string Name = "one control plane";
}
