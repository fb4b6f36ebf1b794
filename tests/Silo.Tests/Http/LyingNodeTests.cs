using System.Globalization;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Nodes that are broken, or say what is not so.</summary>
public sealed class LyingNodeTests(ControlPlane plane) : IClassFixture<ControlPlane>, IDisposable
{
    private static readonly string Nonsense = new('a', 64);
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task An_ACK_of_another_hash_is_none()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 4);

        // Of a hash that exists but is not due, of one that nobody ever published, of no hash, and of an epoch that was never given.
        (await ReportAsync(tenant, "n000", next, seq: 1)).Expect(200);
        (await ReportAsync(tenant, "n001", Nonsense, seq: 1)).Expect(200);
        (await ReportAsync(tenant, "n002", null, seq: 1)).Expect(200);
        (await ReportAsync(tenant, "n003", baseline, seq: 1)).Expect(200);

        await Eventually.BecomesAsync(async () => await AckedAsync(tenant), "n003");
        var proof = (await tenant.Admin.GetAsync($"/fleets/edge/convergence?policy_hash={baseline}")).Expect(200);
        Assert.Equal(1, proof["on_hash"].GetInt32());
        Assert.False(proof["converged"].GetBoolean());
        Assert.Equal(["n000", "n001", "n002"], proof["not_on_hash"].EnumerateArray().Select(node => node.GetString()).Order(StringComparer.Ordinal));

        // The answer tells the liar what it should run, and its word changes nothing of that.
        var told = (await ReportAsync(tenant, "n001", Nonsense, seq: 2)).Expect(200);
        Assert.Equal(baseline, told["directive"].GetProperty("policy_hash").GetString());
    }

    [Fact]
    public async Task Liars_complete_no_rollout_and_are_not_counted_for_it()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start())).Expect(201)["rollout_id"].GetString()}";

        for (var index = 0; index < 40; index++)
        {
            // A true word about the old hash under the new epoch: right for all but the cohort.
            (await ReportAsync(tenant, $"n{index:000}", baseline, seq: 1, epoch: 2)).Expect(200);
        }

        await Eventually.BecomesAsync(async () => (await AckedAsync(tenant)).Split(' ').Length, 38);
        var nodes = (await tenant.Admin.GetAsync(path)).Expect(200)["nodes"];
        Assert.Equal(2, nodes.GetProperty("assigned").GetInt32());
        Assert.Equal(0, nodes.GetProperty("acked").GetInt32());
    }

    [Fact]
    public async Task A_flapping_node_is_what_its_last_word_says()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 2);

        for (var seq = 1; seq <= 100; seq++)
        {
            (await ReportAsync(tenant.Admin, "n000", seq % 2 == 0 ? baseline : Nonsense, seq, ack: seq % 3 != 0)).Expect(200);
            (await ReportAsync(tenant.Admin, "n001", baseline, seq: 1, boot: $"boot-{seq}", ack: seq % 2 == 0)).Expect(200);
        }

        await Eventually.BecomesAsync(async () => await AckedAsync(tenant), "n000 n001");

        // Words that come late take nothing back.
        foreach (var seq in new[] { 0, 1, 99, 100 })
        {
            Assert.Equal("report.stale", (await ReportAsync(tenant.Admin, "n000", Nonsense, seq, ack: false)).Expect(200).Code);
        }

        // A restart begins to count anew.
        Assert.False((await ReportAsync(tenant.Admin, "n000", baseline, seq: 1, boot: "another")).Expect(200).Json.TryGetProperty("code", out _));
        Assert.Equal("n000 n001", await AckedAsync(tenant));
    }

    [Theory]
    [InlineData(-10)]
    [InlineData(10)]
    [InlineData(-5_000_000)]
    [InlineData(5_000_000)]
    public async Task A_nodes_clock_counts_for_nothing(double minutes)
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 1);
        var before = DateTimeOffset.UtcNow;

        (await ReportAsync(tenant, "n000", baseline, seq: 1, at: before.AddMinutes(minutes))).Expect(200);

        await Eventually.BecomesAsync(async () => await AckedAsync(tenant), "n000");
        var seen = (await tenant.Admin.GetAsync("/fleets/edge/nodes/n000")).Expect(200);
        Assert.Equal("live", seen["state"].GetString());
        Assert.InRange(seen["last_report_at"].GetDateTimeOffset(), before.AddSeconds(-1), DateTimeOffset.UtcNow.AddSeconds(1));
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    [InlineData("\"NaN\"")]
    [InlineData("\"Infinity\"")]
    [InlineData("-1e999")]
    [InlineData("2e15")]
    [InlineData("""{"count":2e15,"sum":1}""")]
    [InlineData("""{"count":1,"sum":-1e999}""")]
    [InlineData("""{"count":-0.5,"sum":1}""")]
    [InlineData("""{"count":"NaN","sum":1}""")]
    [InlineData("""{"count":1}""")]
    [InlineData("""{"count":1,"sum":1,"buckets":{"1":-1}}""")]
    [InlineData("""{"count":1,"sum":1,"buckets":{"1":1e999}}""")]
    public async Task A_number_that_is_none_is_refused_and_nothing_of_its_report_is_noted(string metric)
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 2);
        string Body(string value) => $$"""{"boot_id":"b","seq":1,"epoch":1,"policy_hash":"{{baseline}}","ack":true,"metrics":{"error_rate":{{value}} } }""";

        var refused = (await tenant.Admin.PostAsync("/fleets/edge/nodes/n000/report", Body(metric))).Expect(400);

        Assert.True(refused.Code is "json.malformed" or "request.invalid" or "report.invalid", refused.ToString());

        // Its number is still free: the same report with a sound number is news.
        var sound = (await tenant.Admin.PostAsync("/fleets/edge/nodes/n000/report", Body("""{"count":10,"sum":-3}"""))).Expect(200);
        Assert.False(sound.Json.TryGetProperty("code", out _));
    }

    [Fact]
    public async Task Reasons_that_a_node_makes_up_do_not_make_the_metrics_grow_without_end()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 1);
        for (var seq = 1; seq <= 40; seq++)
        {
            var rejections = Enumerable.Range(0, 10).Select(n => new { reason = $"made.up-{seq}-{n}", count = 1, at = DateTimeOffset.UtcNow });
            (await tenant.Admin.PostAsync(
                "/fleets/edge/nodes/n000/report", new { boot_id = "b", seq, epoch = 1, policy_hash = baseline, ack = true, rejections })).Expect(200);
        }

        var counted = (await plane.Admin.GetAsync("/metrics")).Expect(200).Text.Split('\n')
            .Where(line => line.StartsWith("titan_execution_rejection_events_total{", StringComparison.Ordinal) && line.Contains($"\"{tenant.Name}\"", StringComparison.Ordinal)).ToList();
        Assert.InRange(counted.Count, 1, 100);
        Assert.Equal(400, counted.Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Counters_that_fall_or_begin_anew_take_no_sample_back()
    {
        var tenant = await plane.NewTenantAsync();
        var (_, next) = await tenant.RunningFleetAsync("edge", _bundles);
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start())).Expect(201)["rollout_id"].GetString()}";
        var node = "";
        foreach (var name in Enumerable.Range(0, 40).Select(index => $"n{index:000}"))
        {
            var told = (await tenant.Admin.GetAsync($"/fleets/edge/nodes/{name}/directive")).Expect(200);
            node = told["policy_hash"].GetString() == next ? name : node;
        }

        // What a report carries happened since the one before: less than then is less to do, and after a restart it is little.
        (await CountAsync("first", seq: 1, decisions: 100)).Expect(200);
        (await CountAsync("first", seq: 2, decisions: 40)).Expect(200);
        (await CountAsync("second", seq: 1, decisions: 10)).Expect(200);

        // A difference to a counter that has begun anew is negative: whoever sends that is told.
        Assert.Equal("report.invalid", (await CountAsync("second", seq: 2, decisions: -90)).Expect(400).Code);
        (await CountAsync("second", seq: 2, decisions: 0)).Expect(200);

        await Eventually.BecomesAsync(
            async () => (await tenant.Admin.GetAsync(path)).Expect(200).Json is var view && view.TryGetProperty("verdict", out var verdict)
                ? verdict.GetProperty("samples").GetDouble()
                : -1,
            150);

        Task<ApiAnswer> CountAsync(string boot, int seq, int decisions) => tenant.Admin.PostAsync($"/fleets/edge/nodes/{node}/report", new
        {
            boot_id = boot,
            seq,
            epoch = 2,
            policy_hash = next,
            ack = true,
            metrics = new { decisions = new { count = decisions, sum = decisions }, error_rate = new { count = decisions, sum = 0 } },
        });
    }

    private static object Start() => new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "new rules" };

    private static Task<ApiAnswer> ReportAsync(
        TestTenant tenant, string node, string? hash, int seq, int epoch = 1, DateTimeOffset? at = null) =>
        ReportAsync(tenant.Admin, node, hash, seq, epoch: epoch, at: at);

    private static Task<ApiAnswer> ReportAsync(
        TenantClient client, string node, string? hash, int seq, string boot = "boot", bool ack = true, int epoch = 1, DateTimeOffset? at = null) =>
        client.PostAsync($"/fleets/edge/nodes/{node}/report", new { boot_id = boot, seq, at = at ?? DateTimeOffset.UtcNow, epoch, policy_hash = hash, ack });

    // The names of those that count as running what they should.
    private static async Task<string> AckedAsync(TestTenant tenant) => string.Join(
        ' ',
        (await tenant.Admin.GetAsync("/fleets/edge/nodes?limit=100")).Expect(200)["nodes"].EnumerateArray()
            .Where(node => node.GetProperty("acked").GetBoolean())
            .Select(node => node.GetProperty("node").GetString()));
}
