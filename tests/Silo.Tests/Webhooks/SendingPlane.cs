using System.Net;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;
using OrleansPolicy.Silo.Webhooks;

namespace OrleansPolicy.Silo.Tests.Webhooks;

/// <summary>A control plane whose webhooks may go to this machine, and which tries again soon. It can be stopped and started on its database.</summary>
internal sealed class SendingPlane : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SiloSettings _settings;
    private PolicyHost? _host;
    private ApiClient? _admin;

    private SendingPlane(SiloSettings settings) => _settings = settings with { DataFolder = _folder.Path };

    public ApiClient Admin => _admin!;

    public TenantClient Tenant => new(Admin, "default");

    /// <summary>Starts one; <paramref name="retryMax"/> is the longest wait between two tries.</summary>
    public static async Task<SendingPlane> StartAsync(PostgresServer server, double retryMax = 0.1, double answerWithin = 30)
    {
        var plane = new SendingPlane(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = "",
            ConnectionString = await server.CreateDatabaseAsync(),
            Webhooks = new WebhookSettings
            {
                AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")],
                AnswerWithin = TimeSpan.FromSeconds(answerWithin),
                RetryFirst = TimeSpan.FromSeconds(0.05),
                RetryMax = TimeSpan.FromSeconds(retryMax),
            },
        });
        await plane.StartAsync();
        return plane;
    }

    public async Task StartAsync()
    {
        _host = await PolicyHost.StartAsync(_settings);
        _admin = new ApiClient(new Uri(_host.Addresses.Single()), (await File.ReadAllTextAsync(_folder["admin.key"])).Trim());
    }

    /// <summary>A second process beside it, on the same database.</summary>
    public Task<PolicyHost> StartAnotherAsync() => PolicyHost.StartAsync(_settings);

    public async Task StopAsync()
    {
        _admin?.Dispose();
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        _host = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }

    /// <summary>Makes a webhook; its id and its secret.</summary>
    public async Task<(string Id, string Secret)> HookAsync(string url, params string[] events)
    {
        var made = (await Tenant.PostAsync("/webhooks", new { url, events = events.Length == 0 ? null : events })).Expect(201);
        return (made["webhook_id"].GetString()!, made["secret"].GetString()!);
    }

    /// <summary>Something happens, with a reason to know it by.</summary>
    public async Task HappensAsync(string reason, string fleet = "edge") =>
        (await Tenant.PostAsync($"/fleets/{fleet}/disarm?wait=0", new { reason })).Expect(200);

    public Task FleetAsync(string fleet = "edge") => Tenant.PutAsync($"/fleets/{fleet}", new { });
}
