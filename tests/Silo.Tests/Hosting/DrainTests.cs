using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>A process that was told to stop, until its door closes.</summary>
public sealed class DrainTests(PostgresServer server) : IAsyncLifetime
{
    private const string Directive = "/v1/default/fleets/edge/nodes/n1/directive";
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
            Drain = TimeSpan.FromSeconds(3),
        });
        _admin = new ApiClient(new Uri(_host.Addresses.Single()), (await File.ReadAllTextAsync(_folder["admin.key"])).Trim());
        (await _admin.PutAsync("/v1/default/fleets/edge", new { })).Expect(200);
        (await _admin.PutAsync("/v1/default/fleets/edge/nodes/n1", new { })).Expect(200);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Held_polls_are_handed_back_and_what_comes_meanwhile_is_answered_and_its_connection_closed()
    {
        var tag = (await _admin.GetAsync(Directive)).Expect(200).Headers["ETag"];
        var polls = Enumerable.Range(0, 5).Select(_ => _admin.GetAsync(Directive + "?wait=7", ("If-None-Match", tag))).ToArray();
        await Eventually.BecomesAsync(
            async () => (await _admin.GetAsync("/metrics")).Text.Contains("policy_http_open_polls 5\n", StringComparison.Ordinal), true);

        var stopping = _host.DisposeAsync().AsTask();

        foreach (var poll in polls)
        {
            var handedBack = await poll;
            handedBack.ExpectProblem(503, "silo.stopping");
            Assert.Equal("0", handedBack.Headers["Retry-After"]);
        }

        Assert.Equal("stopping", (await _admin.GetAsync("/readyz")).Expect(503)["silo"].GetString());
        (await _admin.GetAsync(Directive, ("If-None-Match", tag))).ExpectProblem(503, "silo.stopping");
        var answered = (await _admin.GetAsync("/v1/default/fleets/edge")).Expect(200);
        Assert.Equal("close", answered.Headers["Connection"]);
        var report = new { boot_id = "b", seq = 1, at = DateTimeOffset.UtcNow, epoch = 0, arm_epoch = 0, armed = true, ack = true };
        Assert.Equal(45, (await _admin.PostAsync("/v1/default/fleets/edge/nodes/n1/report", report)).Expect(200)["directive"].GetProperty("lease_sec").GetInt32());
        await stopping;
    }

    [Fact]
    public async Task An_update_that_waits_for_its_turn_hears_when_to_come_back()
    {
        (await _admin.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 60, min_interval_sec = 30 })).Expect(200);
        (await _admin.PostAsync("/v1/default/admission", new { })).Expect(200);
        var waiting = _admin.PostAsync("/v1/default/admission", new { }, ("Prefer", "wait=60"));
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/v1/default/admission"))["time_until_next_sec"].GetDouble() > 30, true);

        var stopping = _host.DisposeAsync().AsTask();

        var refused = await waiting;
        Assert.Equal(429, refused.Status);
        Assert.InRange(int.Parse(refused.Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture), 1, 30);
        await stopping;
    }
}
