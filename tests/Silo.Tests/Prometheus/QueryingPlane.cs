using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Prometheus;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Prometheus;

/// <summary>A control plane whose criteria may name queries, with fleets whose nodes speak when they are told to.</summary>
internal sealed class QueryingPlane : IAsyncDisposable
{
    private const int Nodes = 20;

    private readonly TemporaryFolder _folder = new();
    private readonly TestBundles _bundles = new();
    private PolicyHost _host = null!;
    private ApiClient _admin = null!;
    private int _seq;

    public TenantClient Tenant => new(_admin, "default");

    /// <summary>The hash that a fleet's first rollout brings.</summary>
    public string Next { get; private set; } = "";

    /// <summary>Starts one with fleets that run version 1.0.0; 2.0.0 is published beside it.</summary>
    public static async Task<QueryingPlane> StartAsync(
        PostgresServer server, Uri prometheus, double hourSeconds, IEnumerable<(string Name, string Text)> queries, params string[] fleets)
    {
        var plane = new QueryingPlane();
        plane._host = await PolicyHost.StartAsync(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = plane._folder.Path,
            ConnectionString = await server.CreateDatabaseAsync(),
            HourSeconds = hourSeconds,
            Prometheus = new PrometheusSettings
            {
                Url = prometheus,
                Queries = queries.ToImmutableSortedDictionary(query => query.Name, query => QueryText.Read(query.Text).Text!, StringComparer.Ordinal),
            },
        });
        plane._admin = new ApiClient(new Uri(plane._host.Addresses.Single()), (await File.ReadAllTextAsync(plane._folder["admin.key"])).Trim());
        (await plane.Tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await plane.Tenant.PutAsync("/trust", plane._bundles.RootJson)).Expect(200);
        (await plane.Tenant.PostAsync("/bundles", plane._bundles.Make("1.0.0"))).Expect(201);
        plane.Next = (await plane.Tenant.PostAsync("/bundles", plane._bundles.Make("2.0.0"))).Expect(201)["policy_hash"].GetString()!;
        foreach (var fleet in fleets)
        {
            (await plane.Tenant.PutAsync($"/fleets/{fleet}", new { })).Expect(200);
            (await plane.Tenant.PostAsync($"/fleets/{fleet}/nodes:batch", Enumerable.Range(0, Nodes).Select(index => new { node = $"n{index:000}" }))).Expect(200);
            (await plane.Tenant.PutAsync($"/fleets/{fleet}/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        }

        return plane;
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        _bundles.Dispose();
        _folder.Dispose();
    }

    /// <summary>A plan of four equal steps that each have this criterion and this trigger; one decision is enough.</summary>
    public static JsonNode Plan(string criterion, string trigger)
    {
        var plan = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        (plan["increment_policy"], plan["initial_percentage"], plan["min_samples"]) = ("linear", 25, 1);
        foreach (var (index, stage) in plan["wedge_stages"]!.AsArray().Index())
        {
            (stage!["target_percentage"], stage["success_criteria"], stage["rollback_trigger"]) = (25 * (index + 1), new JsonArray(criterion), trigger);
        }

        return plan;
    }

    /// <summary>Starts a rollout of version 2.0.0; its path.</summary>
    public async Task<string> BeginAsync(string fleet, JsonNode plan) =>
        $"/rollouts/{(await Tenant.PostAsync("/rollouts", new { fleet, @ref = "2.0.0", rollout_wedge = plan, reason = "try" })).Expect(201)["rollout_id"].GetString()}";

    /// <summary>
    /// The rollout as it is, after its nodes have ACKed and told of decisions. However long this machine took since the last time: where
    /// that paused it, it goes on.
    /// </summary>
    public async Task<JsonElement> LookAsync(string fleet, string path)
    {
        var seq = Interlocked.Increment(ref _seq);
        var heard = await Task.WhenAll(Enumerable.Range(0, Nodes).Select(async index =>
            (Node: $"n{index:000}", Directive: await Tenant.GetAsync($"/fleets/{fleet}/nodes/n{index:000}/directive"))));
        var reports = heard.Where(said => said.Directive.Status == 200).Select(said => new
        {
            node = said.Node,
            boot_id = "b",
            seq,
            epoch = said.Directive["epoch"].GetInt64(),
            policy_hash = said.Directive["policy_hash"].GetString(),
            armed = true,
            ack = true,
            metrics = new { decisions = new { count = 50, sum = 50 } },
        }).ToArray();
        if (reports.Length > 0)
        {
            await Tenant.PostAsync($"/fleets/{fleet}/reports:batch", reports);
        }

        // A machine that is busy with other tests may say so.
        var deadline = DateTime.UtcNow.AddSeconds(60);
        var rollout = await Tenant.GetAsync(path);
        while (rollout.Status == 503 && DateTime.UtcNow < deadline)
        {
            rollout = await Tenant.GetAsync(path);
        }

        if (rollout.Expect(200)["state"].GetString() == "PAUSED")
        {
            await Tenant.PostAsync(path + "/resume", new { reason = "go on" });
        }

        return rollout.Json;
    }
}
