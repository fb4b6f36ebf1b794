namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class HandshakeTests(ControlPlane plane) : IDisposable
{
    private const string Path = "/fleets/edge/handshake";
    private const string Document = """
        {"metadata":{"bundle_id":"risk","version":"3.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"document"},"document":{"maxDailyLoss":-500}}
        """;

    private readonly TestBundles _bundles = new();
    private long _seq;

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task What_the_other_role_reports_decides_and_both_hashes_are_told()
    {
        var (tenant, baseline) = await BrainAndExecutionAsync();
        (await tenant.Admin.PostAsync(Path, Asks(baseline))).ExpectProblem(503, "parity.no_answer");

        await ReportAsync(tenant, "execution-1", baseline);
        (string, string) id = ("Idempotency-Key", $"{Guid.NewGuid()}");
        var equal = (await tenant.Admin.PostAsync(Path, Asks(baseline), id)).Expect(200);
        Assert.Equal(
            (true, baseline, baseline, "policy_hash"),
            (equal["success"].GetBoolean(), equal["local_hash"].GetString(), equal["remote_hash"].GetString(), equal["hash_kind"].GetString()));

        var other = new string('b', 64);
        await ReportAsync(tenant, "execution-1", other);
        var mismatch = (await tenant.Admin.PostAsync(Path, Asks(baseline), id)).ExpectProblem(409, "parity.mismatch");
        Assert.Equal((false, baseline, other), (mismatch["success"].GetBoolean(), mismatch["local_hash"].GetString(), mismatch["remote_hash"].GetString()));
        Assert.Contains($"brain-1 has {baseline}, execution-1 has {other}", mismatch["detail"].GetString(), StringComparison.Ordinal);
        (await tenant.Admin.PostAsync(Path, Asks(other.ToUpperInvariant()))).ExpectProblem(409, "parity.mismatch");
    }

    [Fact]
    public async Task Several_members_must_all_agree_and_those_of_the_askers_role_are_not_asked()
    {
        var (tenant, baseline) = await BrainAndExecutionAsync();
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/execution-2", new { role = "execution" })).Expect(200);
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/brain-2", new { role = "brain" })).Expect(200);
        await ReportAsync(tenant, "execution-1", baseline);
        await ReportAsync(tenant, "execution-2", new string('b', 64));
        await ReportAsync(tenant, "brain-2", new string('c', 64));

        var mismatch = (await tenant.Admin.PostAsync(Path, Asks(baseline))).ExpectProblem(409, "parity.mismatch");
        Assert.Contains("execution-2", mismatch["detail"].GetString(), StringComparison.Ordinal);

        await ReportAsync(tenant, "execution-2", baseline);
        (await tenant.Admin.PostAsync(Path, Asks(baseline))).Expect(200);
    }

    [Fact]
    public async Task Documents_are_compared_by_the_hash_of_the_document()
    {
        var (tenant, _) = await BrainAndExecutionAsync();
        var made = (await tenant.Admin.PostAsync("/bundles", _bundles.Sign(Document))).Expect(201);
        var (policy, document) = (made["policy_hash"].GetString()!, made["document_hash"].GetString()!);
        await ReportAsync(tenant, "execution-1", policy);

        var equal = (await tenant.Admin.PostAsync(Path, Asks(document))).Expect(200);

        Assert.Equal(("document_hash", document), (equal["hash_kind"].GetString(), equal["remote_hash"].GetString()));
        var mismatch = (await tenant.Admin.PostAsync(Path, Asks(policy))).ExpectProblem(409, "parity.mismatch");
        Assert.Equal(("document_hash", document), (mismatch["hash_kind"].GetString(), mismatch["remote_hash"].GetString()));
    }

    [Fact]
    public async Task A_node_asks_for_itself_alone_and_its_success_is_counted()
    {
        var (tenant, baseline) = await BrainAndExecutionAsync();
        var brain = await tenant.WithRoleAsync("node", "edge", "brain-1");
        var execution = await tenant.WithRoleAsync("node", "edge", "execution-1");
        await ReportAsync(tenant, "execution-1", baseline, promotions: 2);

        (await execution.PostAsync(Path, Asks(baseline))).ExpectProblem(403, "auth.node");
        (await brain.PostAsync(Path, new { node = "brain-1", policy_hash = baseline })).Expect(200);
        (await brain.PostAsync(Path, new { node = "brain-1", policy_hash = new string('e', 64) })).ExpectProblem(409, "parity.mismatch");

        var metrics = (await plane.Admin.GetAsync("/metrics")).Text;
        Assert.Contains($"titan_brain_policy_handshake_success_total{{fleet=\"edge\",tenant=\"{tenant.Name}\"}} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"titan_brain_leader_promotions_total{{fleet=\"edge\",tenant=\"{tenant.Name}\"}} 2\n", metrics, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"node":"brain-1","role":"execution","policy_hash":"x"}""", 400, "parity.role")]
    [InlineData("""{"node":"brain-1","role":"","policy_hash":"x"}""", 400, "parity.role")]
    [InlineData("""{"node":"brain-1","role":"brain"}""", 400, "parity.hash")]
    [InlineData("""{"node":"brain-1","role":"brain","policy_hash":""}""", 400, "parity.hash")]
    [InlineData("""{"node":"brain-1","role":"brain","policy_hash":7}""", 400, "request.invalid")]
    [InlineData("""{"role":"brain","policy_hash":"x"}""", 400, "name.invalid")]
    [InlineData("""{"node":"nobody","role":"brain","policy_hash":"x"}""", 404, "node.unknown")]
    public async Task What_does_not_fit_is_refused(string body, int status, string code)
    {
        var (tenant, _) = await BrainAndExecutionAsync();

        (await tenant.Admin.PostAsync(Path, body)).ExpectProblem(status, code);
        (await tenant.Admin.PostAsync("/fleets/nowhere/handshake", Asks("x"))).ExpectProblem(404, "fleet.unknown");
    }

    private static object Asks(string hash) => new { node = "brain-1", role = "brain", policy_hash = hash };

    private async Task<(TestTenant Tenant, string Baseline)> BrainAndExecutionAsync()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 0);
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/brain-1", new { role = "brain" })).Expect(200);
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/execution-1", new { role = "execution" })).Expect(200);
        return (tenant, baseline);
    }

    // What a feed hears reaches the fleet within 100 ms.
    private async Task ReportAsync(TestTenant tenant, string node, string hash, long promotions = 0)
    {
        var key = await tenant.WithRoleAsync("node", "edge", node);
        var heard = (await key.GetAsync($"/fleets/edge/nodes/{node}/directive")).Expect(200);
        (await key.PostAsync($"/fleets/edge/nodes/{node}/report", new
        {
            boot_id = "boot",
            seq = ++_seq,
            epoch = heard["epoch"].GetInt64(),
            policy_hash = hash,
            ack = true,
            promotions,
        })).Expect(200);
        await Eventually.BecomesAsync(async () => (await tenant.Admin.GetAsync($"/fleets/edge/nodes/{node}")).Json.TryGetProperty("policy_hash", out var told) ? told.GetString() : null, hash);
    }
}
