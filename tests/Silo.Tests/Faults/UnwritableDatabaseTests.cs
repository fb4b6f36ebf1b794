using Npgsql;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>A server that answers every read and refuses every write, as with a full disk.</summary>
public sealed class UnwritableDatabaseTests : IAsyncLifetime
{
    private readonly TestBundles _bundles = new();
    private FailingPlane _plane = null!;
    private ApiClient _admin = null!;

    public async ValueTask InitializeAsync()
    {
        _plane = await FailingPlane.StartAsync(hourSeconds: 3600);
        _admin = new ApiClient(_plane.Address, _plane.AdminKey);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _plane.DisposeAsync();
        _bundles.Dispose();
    }

    [Theory]
    [InlineData(Disk.Full)]
    [InlineData(Disk.FullForTheAuditAlone)]
    [InlineData(Disk.ReadOnly)]
    public async Task Nothing_happens_without_its_audit_entry_and_everything_else_goes_on(Disk disk)
    {
        var tenant = new TenantClient(_admin, "default");
        var rollout = await RollOutAsync(tenant);
        await using var agents = await WatchedAgents.StartAsync(_plane.Address, _plane.AdminKey, _bundles, "edge", 3);
        var head = await HeadAsync(tenant);

        await SetAsync(disk, broken: true);

        // No change takes effect, not even those that would need no row of their own but the audit's.
        (await tenant.PostAsync($"/rollouts/{rollout}/rollback", new { reason = "now" }, ("Idempotency-Key", "back"))).ExpectProblem(503, "store.unwritable");
        (await tenant.PostAsync($"/rollouts/{rollout}/pause", new { reason = "now" })).ExpectProblem(503, "store.unwritable");
        (await tenant.PutAsync("/fleets/other", new { })).ExpectProblem(503, "store.unwritable");
        (await tenant.PostAsync("/bundles", _bundles.Make("3.0.0"))).ExpectProblem(503, "store.unwritable");
        (await tenant.PutAsync("/fleets/edge/nodes/late", new { })).ExpectProblem(503, "store.unwritable");
        (await tenant.PostAsync("/keys", new { name = "n", subject = "s", role = "viewer" })).ExpectProblem(503, "store.unwritable");
        (await tenant.PostAsync("/admission", new { })).ExpectProblem(503, "store.unwritable");

        // What was answered is counted, also where the answer was made of an exception.
        await Eventually.BecomesAsync(
            async () => (await _admin.GetAsync("/metrics")).Text.Contains("""policy_http_requests_total{method="POST",route="/v1/{tenant}/keys",status="503"}""", StringComparison.Ordinal), true);

        // Reads, leases and decisions do.
        Assert.Equal("ACTIVE", (await tenant.GetAsync($"/rollouts/{rollout}")).Expect(200)["state"].GetString());
        (await tenant.GetAsync("/fleets/other")).Expect(404);
        (await tenant.GetAsync("/fleets/edge/nodes/n000/directive")).Expect(200);
        var readiness = (await _admin.GetAsync("/readyz")).Expect(200);
        await Eventually.BecomesAsync(async () => (readiness = (await _admin.GetAsync("/readyz")).Expect(200)).Json.TryGetProperty("code", out var code) ? code.GetString() : null, "store.unwritable");
        Assert.True(readiness["ready"].GetBoolean());
        Assert.False(readiness["writable"].GetBoolean());
        Assert.Equal(head, await HeadAsync(tenant));

        await SetAsync(disk, broken: false);

        await Eventually.BecomesAsync(async () => (await _admin.GetAsync("/readyz")).Expect(200)["writable"].GetBoolean(), true);
        await Eventually.BecomesAsync(async () => (await tenant.PutAsync("/fleets/other", new { })).Status, 200);
        var back = await tenant.PostAsync($"/rollouts/{rollout}/rollback", new { reason = "now" }, ("Idempotency-Key", "back"));
        Assert.Equal("ROLLED_BACK", back.Expect(200)["state"].GetString());
        Assert.True((await tenant.GetAsync("/audit/verify")).Expect(200)["valid"].GetBoolean());
        Assert.Empty(agents.Denials);
    }

    /// <summary>What refuses, and what.</summary>
    public enum Disk
    {
        /// <summary>There is no room for any row.</summary>
        Full,

        /// <summary>There is room for everything but an audit entry.</summary>
        FullForTheAuditAlone,

        /// <summary>The server was made read-only.</summary>
        ReadOnly,
    }

    private static async Task<string> HeadAsync(TenantClient tenant) => (await tenant.GetAsync("/audit/verify")).Expect(200)["head"].GetProperty("hash").GetString()!;

    private async Task<string> RollOutAsync(TenantClient tenant)
    {
        (await tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await tenant.PutAsync("/fleets/edge", new { max_staleness_sec = 10, report_interval_sec = 1 })).Expect(200);
        (await tenant.PostAsync("/fleets/edge/nodes:batch", Enumerable.Range(0, 40).Select(index => new { node = $"n{index:000}" }))).Expect(200);
        (await tenant.PostAsync("/bundles", _bundles.Make("1.0.0"))).Expect(201);
        (await tenant.PostAsync("/bundles", _bundles.Make("2.0.0"))).Expect(201);
        (await tenant.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        var started = await tenant.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "new rules" });
        return started.Expect(201)["rollout_id"].GetString()!;
    }

    // A real full disk raises the same SQLSTATE from the same statements.
    private async Task SetAsync(Disk disk, bool broken)
    {
        var all = disk == Disk.FullForTheAuditAlone ? "AND tablename = 'policy_audit'" : "";
        await ExecuteAsync((disk, broken) switch
        {
            (Disk.ReadOnly, _) => $"ALTER SYSTEM SET default_transaction_read_only = {(broken ? "on" : "off")}",
            (_, true) => $$"""
                CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $f$
                BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $f$;
                DO $d$ DECLARE name text; BEGIN
                  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' {{all}} LOOP
                    EXECUTE format('CREATE TRIGGER disk_is_full BEFORE INSERT OR UPDATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION disk_is_full()', name);
                  END LOOP; END $d$
                """,
            (_, false) => "DROP FUNCTION disk_is_full CASCADE",
        });
        await ReloadAsync();
    }

    // Asked for, it comes to the sessions a moment later: to this one as to all others.
    private async Task ReloadAsync()
    {
        await using var connection = await OpenAsync();
        await using var loaded = new NpgsqlCommand("SELECT pg_conf_load_time()", connection);
        await using var reload = new NpgsqlCommand("SELECT pg_reload_conf()", connection);
        var before = (DateTime)(await loaded.ExecuteScalarAsync())!;
        await reload.ExecuteNonQueryAsync();
        await Eventually.BecomesAsync(async () => (DateTime)(await loaded.ExecuteScalarAsync())! > before, true);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        // The session that lifts the ban must be allowed to.
        var own = new NpgsqlConnectionStringBuilder(_plane.Host.Database.ConnectionString) { Pooling = false, Options = "-c default_transaction_read_only=off" };
        var connection = new NpgsqlConnection(own.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }
}
