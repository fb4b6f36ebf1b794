using Npgsql;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>A process all of whose connections to the database are in use, for longer than anybody waits for one.</summary>
public sealed class FullPoolTests(PostgresServer server) : IAsyncLifetime
{
    private const int ConnectionsMax = 6;
    private const int OfStores = 4;

    private readonly TemporaryFolder _folder = new();
    private PolicyHost _host = null!;
    private ApiClient _admin = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await PolicyHost.StartAsync(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = _folder.Path,
            ConnectionString = await server.CreateDatabaseAsync(),
            ConnectionsMax = ConnectionsMax,
        });
        _admin = new ApiClient(new Uri(_host.Addresses.Single()), (await File.ReadAllTextAsync(_folder["admin.key"])).Trim());
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Without_a_free_connection_it_refuses_and_grants_nothing_and_then_goes_on_by_itself()
    {
        const string Directive = "/v1/default/fleets/edge/nodes/n1/directive";
        (await _admin.PutAsync("/v1/default/fleets/edge", new { })).Expect(200);
        (await _admin.PutAsync("/v1/default/fleets/edge/nodes/n1", new { })).Expect(200);
        (await _admin.GetAsync(Directive)).Expect(200);
        var held = new List<NpgsqlConnection>();
        while (held.Count < OfStores)
        {
            held.Add(await TakeAsync());
        }

        var refused = (await _admin.PutAsync("/v1/default/fleets/other", new { }, ("Idempotency-Key", "other"))).ExpectProblem(503, "store.unavailable");
        Assert.NotEmpty(refused.Headers["Retry-After"]);
        (await _admin.GetAsync(Directive)).ExpectProblem(503, "lease.unavailable");
        var readiness = (await _admin.GetAsync("/readyz")).Expect(503);
        Assert.Equal(("store.unavailable", false), (readiness["code"].GetString(), readiness["database"].GetBoolean()));
        (await _admin.GetAsync("/healthz")).Expect(200);

        foreach (var connection in held)
        {
            await connection.DisposeAsync();
        }

        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz")).Status, 200);
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync(Directive)).Status, 200);
        await Eventually.BecomesAsync(async () => (await _admin.PutAsync("/v1/default/fleets/other", new { }, ("Idempotency-Key", "other"))).Status, 200);
        Assert.Single((await _admin.GetAsync("/v1/default/audit?after=0&limit=1000")).Expect(200)["entries"].EnumerateArray(), entry => entry.GetProperty("subject").GetString() == "fleets/other");
    }

    // The process itself uses them too: it may take more than one turn.
    private async Task<NpgsqlConnection> TakeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                return await _host.Database.DataSource.OpenConnectionAsync(patience.Token);
            }
            catch (NpgsqlException) when (!patience.IsCancellationRequested)
            {
                await Task.Delay(50, patience.Token);
            }
        }
    }
}
