namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Runs as evidence: tied to the exact policy and tags, written once.</summary>
[Collection(OneControlPlane.Name)]
public sealed class RunTests(ControlPlane plane) : IDisposable
{
    private static readonly string Registry = new('b', 64);
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_run_is_recorded_with_the_policy_and_the_tags_in_force()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles);
        (await tenant.Admin.PutAsync("/tags/nightly", new { @ref = "2.0.0", reason = "try" })).Expect(200);
        var publisher = await tenant.WithRoleAsync("publisher");

        var run = (await publisher.PostAsync("/runs", new { run_id = "run-1", registry_hash = Registry, fleet = "edge", labels = new { program = "pump-7" } })).Expect(201);

        Assert.Equal($"/v1/{tenant.Name}/runs/run-1", run.Headers["Location"]);
        Assert.Equal(run.Text, (await tenant.Admin.GetAsync("/runs/run-1")).Expect(200).Text);
        Assert.Equal((baseline, Registry, "1.0.0"), (run["policy_hash"].GetString(), run["registry_hash"].GetString(), run["policy_version"].GetString()));
        Assert.Equal(
            [("golden", "edge", baseline), ("nightly", null, next)],
            run["tags"].EnumerateArray().Select(tag => (
                tag.GetProperty("tag").GetString(), tag.TryGetProperty("fleet", out var fleet) ? fleet.GetString() : null, tag.GetProperty("policy_hash").GetString())));
        var entry = (await tenant.Admin.GetAsync("/audit?subject=runs/run-1")).Expect(200)["entries"].EnumerateArray().Single();
        Assert.Equal(("run.recorded", baseline), (entry.GetProperty("action").GetString(), entry.GetProperty("detail").GetProperty("policy_hash").GetString()));
    }

    [Fact]
    public async Task Evidence_is_written_once()
    {
        var tenant = await plane.NewTenantAsync();
        var body = new { run_id = "run-1", registry_hash = Registry };

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => tenant.Admin.PostAsync("/runs", body)));

        Assert.Equal(1, answers.Count(answer => answer.Status == 201));
        Assert.All(answers, answer => Assert.Equal(answers[0].Text, answer.Text));
        Assert.False(answers[0].Json.TryGetProperty("policy_hash", out _));
        (await tenant.Admin.PostAsync("/runs", new { run_id = "run-1" })).ExpectProblem(409, "run.exists");
        Assert.Single((await tenant.Admin.GetAsync("/audit?subject=runs"))["entries"].EnumerateArray());
    }

    [Fact]
    public async Task A_run_names_the_policy_it_ran_under_wherever_a_bundle_is_named()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles);
        (await tenant.Admin.PostAsync("/runs", new { run_id = "old", policy_hash = baseline })).Expect(201);
        (await tenant.Admin.PostAsync("/runs", new { run_id = "new", @ref = "2.0.0" })).Expect(201);

        Assert.Equal(baseline, (await tenant.Admin.GetAsync("/bundles/run:old")).Expect(200)["policy_hash"].GetString());
        (await tenant.Admin.GetAsync("/bundles/run:none")).ExpectProblem(404, "bundle.unknown");
        (await tenant.Admin.PutAsync("/tags/golden", new { @ref = "run:new", fleet = "edge", reason = "good" })).Expect(200);
        Assert.Equal(next, (await tenant.Admin.GetAsync("/bundles/tag:golden@edge"))["policy_hash"].GetString());
        Assert.Equal(["old"], (await tenant.Admin.GetAsync("/runs?policy_hash=" + baseline)).Expect(200)["runs"].EnumerateArray().Select(run => run.GetProperty("run_id").GetString()));
        Assert.Equal(["new", "old"], (await tenant.Admin.GetAsync("/runs"))["runs"].EnumerateArray().Select(run => run.GetProperty("run_id").GetString()));
    }

    [Fact]
    public async Task A_document_is_known_by_its_own_hash_too()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        var published = (await tenant.Admin.PostAsync("/bundles", _bundles.Sign("""
            {"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"t","kind":"document"},"document":{"baseline":{"drift":0.2}},"signatures":[]}
            """))).Expect(201);

        var run = (await tenant.Admin.PostAsync("/runs", new { run_id = "r", policy_hash = published["document_hash"].GetString() })).Expect(201);

        Assert.Equal(published["policy_hash"].GetString(), run["policy_hash"].GetString());
        Assert.Equal(published["document_hash"].GetString(), run["document_hash"].GetString());
    }

    [Theory]
    [InlineData("""{"run_id":""}""", 400, "run.id_invalid")]
    [InlineData("""{}""", 400, "run.id_invalid")]
    [InlineData("""{"run_id":"../x"}""", 400, "run.id_invalid")]
    [InlineData("""{"run_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""", 400, "run.id_invalid")]
    [InlineData("""{"run_id":"r","policy_hash":"ABC"}""", 400, "run.hash_invalid")]
    [InlineData("""{"run_id":"r","registry_hash":"xyz"}""", 400, "run.hash_invalid")]
    [InlineData("""{"run_id":"r","policy_hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""", 404, "bundle.unknown")]
    [InlineData("""{"run_id":"r","ref":"9.9.9"}""", 404, "bundle.unknown")]
    [InlineData("""{"run_id":"r","fleet":"nowhere"}""", 404, "fleet.unknown")]
    [InlineData("""{"run_id":"r","fleet":"No"}""", 400, "name.invalid")]
    [InlineData("""{"run_id":"r","labels":{"a":null}}""", 400, "run.invalid")]
    public async Task What_is_no_run_is_refused(string body, int status, string code) =>
        (await (await plane.NewTenantAsync()).Admin.PostAsync("/runs", body)).ExpectProblem(status, code);

    [Fact]
    public async Task Who_only_reads_records_nothing()
    {
        var tenant = await plane.NewTenantAsync();
        (await (await tenant.WithRoleAsync("viewer")).PostAsync("/runs", new { run_id = "r" })).Expect(403);
        (await tenant.Admin.GetAsync("/runs/none")).ExpectProblem(404, "run.unknown");
        (await tenant.Admin.GetAsync("/runs?limit=0")).ExpectProblem(400, "request.limit");
    }
}
