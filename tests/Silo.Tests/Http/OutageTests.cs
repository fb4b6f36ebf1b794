using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>With a private server of its own, which it stops.</summary>
public sealed class OutageTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private PolicyHost _host = null!;
    private ApiClient _admin = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await PolicyHost.StartAsync(new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = _folder.Path });
        _admin = new ApiClient(new Uri(_host.Addresses.Single()), (await File.ReadAllTextAsync(_folder["admin.key"])).Trim());
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Without_its_database_it_refuses_and_grants_nothing_and_then_goes_on()
    {
        (await _admin.PutAsync("/v1/default/fleets/edge", new { })).Expect(200);
        (await _admin.PutAsync("/v1/default/fleets/edge/nodes/n1", new { })).Expect(200);
        const string Directive = "/v1/default/fleets/edge/nodes/n1/directive";
        var first = (await _admin.GetAsync(Directive)).Expect(200);
        Assert.Equal(1, (await _admin.GetAsync("/readyz")).Expect(200)["ready"].GetBoolean() ? 1 : 0);
        var held = _admin.GetAsync(Directive + "?wait=7", ("If-None-Match", first.Headers["ETag"]));

        await _host.Database.Private!.SuspendAsync();

        // The poll that was held when the truth went away gets no lease out of it.
        (await held).ExpectProblem(503, "lease.unavailable");
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz")).Status, 503);
        (await _admin.GetAsync("/healthz")).Expect(200);
        (await _admin.GetAsync(Directive)).ExpectProblem(503, "lease.unavailable");
        (await _admin.PutAsync("/v1/default/fleets/other", new { })).ExpectProblem(503, "store.unavailable");
        (await _admin.PostAsync("/v1/default/canonical", new { })).ExpectProblem(503, "store.unavailable");
        Assert.False((await _admin.PostAsync("/v1/default/decide", new { capability_id = "x" })).ExpectProblem(503, "decide.stale")["allowed"].GetBoolean());
        (await _admin.GetAsync("/metrics")).Expect(200);

        // A thousand nodes behind one address, whose keys cannot be looked up now, are not taken for one stranger who asks too often.
        var answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => _admin.GetAsync(Directive)));
        Assert.All(answers, answer => answer.ExpectProblem(503, "lease.unavailable"));

        await _host.Database.Private.ResumeAsync();
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz")).Status, 200);
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync(Directive)).Status, 200);
        await Eventually.BecomesAsync(async () => (await _admin.PutAsync("/v1/default/fleets/other", new { })).Status, 200);
    }

    [Fact]
    public async Task The_metrics_tell_of_the_outage_to_who_may_read_them_as_far_as_is_known()
    {
        // As a Prometheus on another machine.
        (string, string)[] elsewhere = [("X-Forwarded-For", "192.0.2.1")];
        var made = (await _admin.PostAsync("/v1/default/keys", new { name = "viewer", subject = "viewer", role = "viewer" })).Expect(201);
        using var viewer = new ApiClient(_admin.Address, made["key"].GetString());
        using var unseen = new ApiClient(_admin.Address, "opk_never-seen");
        (await viewer.GetAsync("/metrics", elsewhere)).ExpectProblem(403, "auth.role");
        await Eventually.BecomesAsync(() => ShowsAsync("policy_store_up 1"), true);

        await _host.Database.Private!.SuspendAsync();
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/v1/tenants")).Status, 503);

        await Eventually.BecomesAsync(() => ShowsAsync("policy_store_up 0"), true);
        (await viewer.GetAsync("/metrics", elsewhere)).ExpectProblem(403, "auth.role");
        (await unseen.GetAsync("/metrics", elsewhere)).ExpectProblem(503, "store.unavailable");
        (await _admin.GetAsync("/v1/tenants", elsewhere)).ExpectProblem(503, "store.unavailable");

        await _host.Database.Private.ResumeAsync();
        await Eventually.BecomesAsync(() => ShowsAsync("policy_store_up 1"), true);

        async Task<bool> ShowsAsync(string number) => (await _admin.GetAsync("/metrics", elsewhere)).Expect(200).Text.Contains(number, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_its_database_is_restored_beneath_it_it_grants_nothing_and_then_goes_on()
    {
        (await _admin.PutAsync("/v1/default/fleets/edge", new { })).Expect(200);
        (await _admin.PutAsync("/v1/default/fleets/edge/nodes/n1", new { })).Expect(200);
        const string Directive = "/v1/default/fleets/edge/nodes/n1/directive";
        (await _admin.GetAsync(Directive)).Expect(200);

        // Every loop of the silo meets a table that is not there: the reader of the truth, the scanner, the sender of webhooks.
        string[] tables = ["fleet_directive", "rollout_deadline", "webhook_cursor"];
        await ExecuteAsync(string.Join(';', tables.Select(table => $"ALTER TABLE {table} RENAME TO {table}_later")));
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync(Directive)).Status, 503);
        (await _admin.GetAsync(Directive)).ExpectProblem(503, "lease.unavailable");
        (await _admin.PutAsync("/v1/default/fleets/other", new { })).ExpectProblem(503, "store.unavailable");
        (await _admin.GetAsync("/healthz")).Expect(200);

        await ExecuteAsync(string.Join(';', tables.Select(table => $"ALTER TABLE {table}_later RENAME TO {table}")));
        await Eventually.BecomesAsync(async () => (await _admin.GetAsync(Directive)).Status, 200);
        await Eventually.BecomesAsync(async () => (await _admin.PutAsync("/v1/default/fleets/other", new { })).Status, 200);
        Assert.False(_host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _host.Database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
