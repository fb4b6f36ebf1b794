using System.Text.Json;
using Npgsql;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>This process as one policy service with a file.</summary>
public sealed class SingleNodeTests(PostgresServer server)
{
    [Fact]
    public async Task A_configured_file_is_served_from_the_start_with_its_version_in_every_answer()
    {
        await using var host = await SingleNodeHost.StartAsync(server);

        foreach (var path in (string[])["/decide", "/evaluate"])
        {
            var decided = (await host.Anybody.PostAsync(path, new { capability_id = "orders.read", context = new { } })).Expect(200);
            Assert.Equal("orders.read", decided["capability_id"].GetString());
            Assert.True(decided["decision"].GetProperty("allowed").GetBoolean());
            Assert.Equal(JsonValueKind.Null, decided["decision"].GetProperty("suggested_alternative").ValueKind);
            Assert.Equal("1.0.0", decided["policy_version"].GetString());
            Assert.Equal(1, decided["epoch"].GetInt64());
            Assert.Equal(64, decided["policy_hash"].GetString()!.Length);
            Assert.True(decided["timestamp"].GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        }

        var rules = (await host.Anybody.GetAsync("/rules")).Expect(200);
        Assert.Equal((true, 1, "1.0.0"), (rules["ok"].GetBoolean(), rules["count"].GetInt32(), rules["policy_version"].GetString()));
        Assert.Equal("orders.read", rules["rules"][0].GetProperty("match").GetProperty("intent_prefix").GetString());
        var bundle = (await host.Anybody.GetAsync("/bundle")).Expect(200);
        Assert.Equal((true, "orders", "1.0.0", "tests", 1, true), (
            bundle["bundle_loaded"].GetBoolean(), bundle["bundle_id"].GetString(), bundle["version"].GetString(), bundle["issuer"].GetString(),
            bundle["policies_count"].GetInt32(), bundle["signature_verified"].GetBoolean()));
    }

    [Fact]
    public async Task Readiness_and_health_tell_the_bundle()
    {
        await using var host = await SingleNodeHost.StartAsync(server);

        var ready = (await host.Anybody.GetAsync("/readyz")).Expect(200);
        Assert.Equal((true, "1.0.0", false), (ready["ready"].GetBoolean(), ready["bundle_version"].GetString(), ready["bundle_stale"].GetBoolean()));
        Assert.InRange(ready["bundle_age_hours"].GetDouble(), 0, 1);
        Assert.True(ready["bundle_loaded_at"].GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        Assert.Equal("orleans-policy", (await host.Anybody.GetAsync("/healthz")).Expect(200)["service"].GetString());
    }

    [Fact]
    public async Task A_reload_answers_as_unison_did_raises_the_epoch_and_is_audited()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        host.Write("2.0.0", host.InBundles("v2.json"));

        var reloaded = (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "v2.json" })).Expect(200);
        Assert.Equal((true, "2.0.0", 2, 2L), (
            reloaded["success"].GetBoolean(), reloaded["version"].GetString(), reloaded["policies_loaded"].GetInt32(), reloaded["epoch"].GetInt64()));
        Assert.True(reloaded["duration_ms"].GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, reloaded["error"].ValueKind);
        Assert.Equal("2.0.0", (await host.DecideAsync("orders.write")).Expect(200)["policy_version"].GetString());

        // The same under the fleet's own path, which hears what the node runs.
        Assert.Equal("2.0.0", (await host.Admin.PostAsync("/v1/default/decide", new { capability_id = "orders.write" })).Expect(200)["policy_version"].GetString());
        var fleet = (await host.Admin.GetAsync("/v1/default/fleets/default")).Expect(200);
        Assert.Equal(("none", 2L, "2.0.0"), (fleet["rollback_bound"].GetString(), fleet["directive"].GetProperty("epoch").GetInt64(), fleet["directive"].GetProperty("file_version").GetString()));
        var directive = (await host.Admin.GetAsync("/v1/default/fleets/default/nodes/local/directive")).Expect(200);
        Assert.Equal((JsonValueKind.Null, "2.0.0"), (directive["lease_sec"].ValueKind, directive["version"].GetString()));

        var audit = (await host.Admin.GetAsync("/v1/default/audit?after=0&limit=100")).Expect(200)["entries"].EnumerateArray().ToList();
        var entry = audit.Last(one => one.GetProperty("action").GetString() == "fleet.file_loaded");
        Assert.Equal(("admin", "2"), (entry.GetProperty("actor").GetString(), entry.GetProperty("detail").GetProperty("epoch").GetString()));
        Assert.Equal(reloaded["policy_hash"].GetString(), entry.GetProperty("detail").GetProperty("policy_hash").GetString());
        var limiter = (await host.Admin.GetAsync("/v1/default/admission")).Expect(200);
        Assert.Equal(limiter["limit"].GetDouble(), limiter["tokens"].GetDouble());
    }

    [Fact]
    public async Task The_previous_file_is_the_way_back_and_the_configured_one_can_be_put_in_force_again()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        host.Write("2.0.0", host.InBundles("v2.json"));
        (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = host.InBundles("v2.json") })).Expect(200);

        Assert.Equal("1.0.0", (await host.Admin.PostAsync("/reload", new { })).Expect(200)["version"].GetString());
        Assert.Equal("1.0.0", (await host.DecideAsync()).Expect(200)["policy_version"].GetString());
        Assert.Equal("2.0.0", (await host.Admin.PostAsync("/bundle/reload", new { bundle_path = "bundles/v2.json" })).Expect(200)["version"].GetString());
    }

    [Fact]
    public async Task A_reload_that_fails_says_which_part_was_wrong_and_leaves_the_old_bundle()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        using var strangers = new TestBundles();
        var wrong = new (byte[] Content, string Code, string Underneath)[]
        {
            ("{ half"u8.ToArray(), "reload.json", "bundle.malformed"),
            ("{}"u8.ToArray(), "reload.structure", "bundle.metadata"),
            (strangers.Make("2.0.0"), "reload.signature", "bundle.signature_invalid"),
            (host.Bundles.Sign(TestBundles.WithoutSignature("2.0.0", ""","expires_at":"2026-01-02T00:00:00Z" """)), "reload.expiry", "bundle.expired"),
            (System.Text.Encoding.UTF8.GetBytes(TestBundles.WithoutSignature("2.0.0").Replace("\"allow\"", "\"maybe\"", StringComparison.Ordinal)
                .Replace("\"signatures\":[]", "\"signatures\":[{\"key_id\":\"test-key\",\"algorithm\":\"ES256\",\"sig\":\"AAAA\"}]", StringComparison.Ordinal)), "reload.rules", "bundle.rule."),
        };
        foreach (var (content, code, underneath) in wrong)
        {
            await File.WriteAllBytesAsync(host.InBundles("wrong.json"), content, TestContext.Current.CancellationToken);
            var answer = (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "wrong.json" })).ExpectProblem(400, code);
            Assert.Equal((false, "1.0.0", 0), (answer["success"].GetBoolean(), answer["version"].GetString(), answer["policies_loaded"].GetInt32()));
            Assert.NotEmpty(answer["error"].GetString()!);
            Assert.Contains(answer.ErrorCodes, one => one.StartsWith(underneath, StringComparison.Ordinal));
            Assert.Equal("1.0.0", (await host.DecideAsync()).Expect(200)["policy_version"].GetString());
        }

        var stats = (await host.Anybody.GetAsync("/reload/stats")).Expect(200);
        Assert.Equal((6L, 1L, 5L, 16.67), (stats["total_reloads"].GetInt64(), stats["successful_reloads"].GetInt64(), stats["failed_reloads"].GetInt64(), stats["success_rate"].GetDouble()));
        Assert.True(stats["avg_duration_ms"].GetDouble() > 0);
        Assert.False(stats["last_reload"].GetProperty("success").GetBoolean());
        var last = (await host.Anybody.GetAsync("/reload/history")).Expect(200)["history"][0];
        Assert.Equal((JsonValueKind.Null, "reload.rules", 0), (last.GetProperty("version").ValueKind, last.GetProperty("code").GetString(), last.GetProperty("policies_loaded").GetInt32()));
    }

    [Fact]
    public async Task The_counts_are_true_ones_while_the_history_keeps_ten()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        for (var i = 0; i < 12; i++)
        {
            (await host.Admin.PostAsync("/reload", new { })).Expect(200);
        }

        var history = (await host.Anybody.GetAsync("/reload/history")).Expect(200)["history"];
        Assert.Equal(10, history.GetArrayLength());
        Assert.All(history.EnumerateArray(), entry => Assert.True(entry.GetProperty("duration_ms").GetDouble() > 0 && entry.GetProperty("version").GetString() == "1.0.0"));
        Assert.Equal(13, (await host.Anybody.GetAsync("/reload/stats")).Expect(200)["total_reloads"].GetInt64());
        var metrics = (await host.Anybody.GetAsync("/metrics")).Expect(200).Text;
        Assert.Contains("\nunison_policy_reload_total 13\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nunison_policy_reload_success_total 13\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nunison_policy_reload_failure_total 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("# TYPE unison_policy_reload_duration_seconds histogram\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nunison_policy_reload_duration_seconds_count 13\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nunison_policy_bundle_version{version=\"1.0.0\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("# TYPE policy_reload_duration_seconds histogram\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_request_is_dropped_during_reloads_and_each_answer_is_of_one_bundle()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        host.Write("1.0.0", host.InBundles("1.json"));
        host.Write("2.0.0", host.InBundles("2.json"));
        var hashes = new System.Collections.Concurrent.ConcurrentDictionary<string, string>();
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            using var client = new ApiClient(host.Address, key: null);
            var answered = 0;
            while (!stop.IsCancellationRequested)
            {
                var answer = (await client.PostAsync("/decide", new { capability_id = "orders.write" })).Expect(200);
                var version = answer["policy_version"].GetString()!;
                Assert.Equal(version == "2.0.0", answer["decision"].GetProperty("allowed").GetBoolean());
                Assert.Equal(version == "2.0.0" ? "2.0.0" : "default-deny", answer["decision"].GetProperty("reason").GetString());
                Assert.Equal(answer["policy_hash"].GetString(), hashes.GetOrAdd(version, answer["policy_hash"].GetString()!));
                answered++;
            }

            return answered;
        })).ToArray();
        for (var i = 0; i < 20; i++)
        {
            (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = i % 2 == 0 ? "2.json" : "1.json" })).Expect(200);
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(clients), answered => Assert.True(answered > 0));
        Assert.Equal(["1.0.0", "2.0.0"], hashes.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(2, hashes.Values.Distinct().Count());
    }

    [Fact]
    public async Task A_changed_file_is_put_in_force_by_itself()
    {
        await using var host = await SingleNodeHost.StartAsync(server);

        host.Write("2.0.0");
        await Eventually.BecomesAsync(async () => (await host.DecideAsync()).Expect(200)["policy_version"].GetString(), "2.0.0");
        var audit = (await host.Admin.GetAsync("/v1/default/audit?after=0&limit=100")).Expect(200)["entries"].EnumerateArray().ToList();
        Assert.Equal("control-plane", audit.Last(one => one.GetProperty("action").GetString() == "fleet.file_loaded").GetProperty("actor").GetString());
    }

    [Fact]
    public async Task While_its_audit_entry_cannot_be_written_a_reload_is_refused_and_decisions_go_on()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        host.Write("2.0.0", host.InBundles("v2.json"));
        await ExecuteAsync(host, """
            CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $f$
            BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $f$;
            CREATE TRIGGER disk_is_full BEFORE INSERT ON policy_audit FOR EACH STATEMENT EXECUTE FUNCTION disk_is_full()
            """);

        var refused = (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "v2.json" })).ExpectProblem(503, "reload.audit");
        Assert.Equal("1.0.0", refused["version"].GetString());
        Assert.True(refused.Headers.ContainsKey("Retry-After"));
        Assert.Equal("1.0.0", (await host.DecideAsync()).Expect(200)["policy_version"].GetString());

        // The watch goes on trying until it can.
        host.Write("2.0.0");
        await Eventually.BecomesAsync(async () => (await host.Anybody.GetAsync("/reload/stats")).Expect(200)["failed_reloads"].GetInt64() >= 2, true);
        Assert.Equal("1.0.0", (await host.DecideAsync()).Expect(200)["policy_version"].GetString());
        await ExecuteAsync(host, "DROP FUNCTION disk_is_full CASCADE");
        await Eventually.BecomesAsync(async () => (await host.DecideAsync()).Expect(200)["policy_version"].GetString(), "2.0.0");
    }

    [Fact]
    public async Task A_baseline_makes_it_a_managed_node_with_a_lease_and_reloads_are_refused()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        (await host.Admin.PostAsync("/v1/default/bundles", host.Bundles.Make("3.0.0"))).Expect(201);
        (await host.Admin.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);

        var fleet = (await host.Admin.PutAsync("/v1/default/fleets/default/baseline", new { @ref = "3.0.0", reason = "managed from now on" })).Expect(200);
        Assert.Equal("60s", fleet["rollback_bound"].GetString());

        // What no directive allows any more is not served while its successor is loaded, so that a moment of 503 may come between.
        await Eventually.BecomesAsync(
            async () => await host.DecideAsync("orders.write") is { Status: 200 } answer ? answer["policy_version"].GetString() : null, "3.0.0");
        Assert.Equal(45, (await host.Admin.GetAsync("/v1/default/fleets/default/nodes/local/directive")).Expect(200)["lease_sec"].GetInt32());
        (await host.Admin.PostAsync("/reload", new { })).ExpectProblem(409, "reload.managed");
        (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "none.json" })).ExpectProblem(409, "reload.managed");
        (await host.Admin.PutAsync("/v1/default/fleets/default/nodes/other", new { })).Expect(200);

        // A start later it is a managed node again, whatever its file says.
        await host.RestartAsync();
        await Eventually.BecomesAsync(async () => (await host.DecideAsync("orders.write")).Status, 200);
        Assert.Equal("3.0.0", (await host.DecideAsync("orders.write"))["policy_version"].GetString());
    }

    [Fact]
    public async Task A_managed_fleet_is_served_from_the_first_call_on_without_any_setting()
    {
        await using var host = await SingleNodeHost.StartAsync(server, withFile: false);
        var refused = (await host.DecideAsync()).ExpectProblem(503, "decide.no_policy");
        Assert.False(refused["allowed"].GetBoolean());
        Assert.False((await host.Anybody.GetAsync("/bundle")).Expect(200)["bundle_loaded"].GetBoolean());
        Assert.Equal(JsonValueKind.Null, (await host.Anybody.GetAsync("/readyz")).Expect(200)["bundle_version"].ValueKind);

        (await host.Admin.PostAsync("/v1/default/bundles", host.Bundles.Make("1.0.0"))).Expect(201);
        (await host.Admin.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await host.Admin.PutAsync("/v1/default/fleets/default", new { })).Expect(200);
        Assert.Empty((await host.Admin.GetAsync("/v1/default/fleets/default/nodes")).Expect(200)["nodes"].EnumerateArray());
        (await host.Admin.PutAsync("/v1/default/fleets/default/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);

        await Eventually.BecomesAsync(async () => (await host.DecideAsync()).Status, 200);
        Assert.Equal("local", (await host.Admin.GetAsync("/v1/default/fleets/default/nodes")).Expect(200)["nodes"][0].GetProperty("node").GetString());
    }

    [Fact]
    public async Task A_fleet_that_runs_a_file_has_no_other_node_and_one_with_others_takes_no_file()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        (await host.Admin.PutAsync("/v1/default/fleets/default/nodes/other", new { })).ExpectProblem(409, "fleet.file_mode");
        (await host.Admin.PostAsync("/v1/default/fleets/default/nodes:batch", new[] { new { node = "local" }, new { node = "n1" } })).ExpectProblem(409, "fleet.file_mode");

        await using var other = await SingleNodeHost.StartAsync(server, withFile: false);
        (await other.Admin.PutAsync("/v1/default/fleets/default", new { })).Expect(200);
        (await other.Admin.PutAsync("/v1/default/fleets/default/nodes/n1", new { })).Expect(200);
        other.Write("1.0.0", other.InBundles("v1.json"));
        (await other.Admin.PostAsync("/reload/bundle", new { bundle_path = "v1.json" })).ExpectProblem(409, "fleet.file_mode");
        (await other.DecideAsync()).ExpectProblem(503, "decide.no_policy");
    }

    [Fact]
    public async Task A_reload_without_a_configured_file_begins_file_mode_which_outlives_a_restart()
    {
        await using var host = await SingleNodeHost.StartAsync(server, withFile: false);
        host.Write("1.0.0", host.InBundles("v1.json"));
        (await host.Admin.PostAsync("/reload", new { })).ExpectProblem(404, "reload.file");
        (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "v1.json" })).Expect(200);
        var before = (await host.DecideAsync()).Expect(200);

        await host.RestartAsync(same => same);
        var after = (await host.DecideAsync()).Expect(200);
        Assert.Equal((before["policy_hash"].GetString(), before["epoch"].GetInt64()), (after["policy_hash"].GetString(), after["epoch"].GetInt64()));
    }

    [Fact]
    public async Task A_restart_with_the_same_file_is_no_reload_and_one_with_a_broken_file_serves_the_last_good_one()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        await host.RestartAsync();
        Assert.Equal(1, (await host.DecideAsync()).Expect(200)["epoch"].GetInt64());

        await host.StopAsync();
        await File.WriteAllTextAsync(host.File, "{", TestContext.Current.CancellationToken);
        await host.RestartAsync();
        Assert.Equal("1.0.0", (await host.DecideAsync()).Expect(200)["policy_version"].GetString());

        await host.StopAsync();
        host.Write("2.0.0");
        await host.RestartAsync();
        Assert.Equal(("2.0.0", 2L), ((await host.DecideAsync()).Expect(200)["policy_version"].GetString(), (await host.DecideAsync()).Expect(200)["epoch"].GetInt64()));
    }

    [Fact]
    public async Task A_unison_bundle_works_as_it_is()
    {
        var vector = JsonElement.Parse(await File.ReadAllBytesAsync(Repository.PathOf("tests/Policy.Tests/Vectors/unison-signed.json"), TestContext.Current.CancellationToken))
            .GetProperty("bundles").EnumerateArray().First(one => one.GetProperty("salt").GetString() == "max" && one.GetProperty("bits").GetInt32() == 2048);
        await using var host = await SingleNodeHost.StartAsync(server, settings => settings with { TrustRootFile = null }, withFile: false);
        var root = new { keys = new[] { new { key_id = "policy-signer-key-1", algorithm = "RSA-PSS-SHA256", public_key_pem = vector.GetProperty("public_key_pem").GetString() } }, threshold = 1 };
        (await host.Admin.PutAsync("/v1/default/trust", root)).Expect(200);
        await File.WriteAllTextAsync(host.InBundles("unison.json"), vector.GetProperty("bundle").GetString(), TestContext.Current.CancellationToken);

        var reloaded = (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "unison.json" })).Expect(200);
        var rules = (await host.Anybody.GetAsync("/rules")).Expect(200);
        Assert.Equal(reloaded["policies_loaded"].GetInt32(), rules["count"].GetInt32());
        Assert.All(rules["rules"].EnumerateArray(), rule => Assert.Equal(rule.GetProperty("id").GetString(), rule.GetProperty("match").GetProperty("intent_prefix").GetString()));
        Assert.All(rules["rules"].EnumerateArray(), rule => Assert.Equal(rule.GetProperty("effect").GetString(), rule.GetProperty("decision").GetProperty("action").GetString()));
    }

    [Fact]
    public async Task Verifying_a_file_or_a_body_puts_nothing_in_force()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        host.Write("2.0.0", host.InBundles("v2.json"));
        using var strangers = new TestBundles();

        foreach (var body in (object[])[new { bundle_path = "v2.json" }, host.Bundles.Make("2.0.0")])
        {
            var verdict = (await host.Anybody.PostAsync("/bundle/verify", body)).Expect(200);
            Assert.Equal((true, "orders", "2.0.0", 2), (verdict["valid"].GetBoolean(), verdict["bundle_id"].GetString(), verdict["version"].GetString(), verdict["policies_count"].GetInt32()));
        }

        var refused = (await host.Anybody.PostAsync("/bundle/verify", strangers.Make("2.0.0"))).Expect(200);
        Assert.False(refused["valid"].GetBoolean());
        Assert.NotEmpty(refused["error"].GetString()!);
        (await host.Anybody.PostAsync("/bundle/verify", "no json")).ExpectProblem(400, "bundle.malformed");
        (await host.Anybody.PostAsync("/bundle/verify", new { bundle_path = "none.json" })).ExpectProblem(404, "reload.file");
        Assert.Equal("1.0.0", (await host.DecideAsync()).Expect(200)["policy_version"].GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../admin.key")]
    [InlineData("../bundles")]
    [InlineData("sub/../../admin.key")]
    [InlineData("bundles/../admin.key")]
    [InlineData("/etc/passwd")]
    [InlineData("/proc/self/environ")]
    [InlineData("a\u0000b")]
    public async Task A_path_out_of_the_folder_is_refused(string path)
    {
        await using var host = await SingleNodeHost.StartAsync(server, withFile: false);
        var answer = (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = path })).ExpectProblem(400, "reload.file");
        Assert.Contains("file.outside", answer.ErrorCodes);
    }

    [Fact]
    public async Task A_link_out_of_the_folder_is_refused_and_one_within_is_followed()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        host.Write("2.0.0", host.InBundles("v2.json"));
        File.CreateSymbolicLink(host.InBundles("within.json"), "v2.json");
        File.CreateSymbolicLink(host.InBundles("out.json"), host.File);
        Directory.CreateSymbolicLink(host.InBundles("outfolder"), host.DataFolder);

        (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "out.json" })).ExpectProblem(400, "reload.file");
        (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "outfolder/bundle.json" })).ExpectProblem(400, "reload.file");
        (await host.Anybody.PostAsync("/bundle/verify", new { bundle_path = "outfolder/admin.key" })).ExpectProblem(400, "reload.file");
        Assert.Equal("2.0.0", (await host.Admin.PostAsync("/reload/bundle", new { bundle_path = "within.json" })).Expect(200)["version"].GetString());
    }

    [Fact]
    public async Task A_pipe_in_the_folder_is_refused_and_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere files are opened as .NET opens them.");
        await using var host = await SingleNodeHost.StartAsync(server);
        using (var made = System.Diagnostics.Process.Start("mkfifo", host.InBundles("pipe.json")))
        {
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        foreach (var answered in new[] { host.Admin.PostAsync("/reload/bundle", new { bundle_path = "pipe.json" }), host.Anybody.PostAsync("/bundle/verify", new { bundle_path = "pipe.json" }) })
        {
            var answer = (await answered.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)).ExpectProblem(400, "reload.file");
            Assert.Contains("file.irregular", answer.ErrorCodes);
        }

        Assert.Equal("1.0.0", (await host.DecideAsync()).Expect(200)["policy_version"].GetString());
    }

    [Fact]
    public async Task A_reload_needs_a_key_that_may_and_a_read_needs_none_on_this_machine()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        foreach (var path in (string[])["/reload", "/reload/bundle", "/bundle/reload"])
        {
            (await host.Anybody.PostAsync(path, new { })).ExpectProblem(401, "auth.missing");
            foreach (var (role, status) in ((string, int)[])[("viewer", 403), ("publisher", 403), ("approver", 403), ("operator", 0), ("admin", 0)])
            {
                using var client = await KeyAsync(host, "default", role);
                var answer = await client.PostAsync(path, new { bundle_path = "none.json" });
                Assert.Equal(status == 403, answer.Status == 403);
            }
        }

        (await host.Admin.PutAsync("/v1/other", new { })).Expect(201);
        using var stranger = await KeyAsync(host, "other", "admin");
        (await stranger.PostAsync("/reload", new { })).ExpectProblem(403, "auth.tenant");

        // Behind a proxy nobody is on this machine.
        var proxied = ("X-Forwarded-For", "203.0.113.7");
        foreach (var path in (string[])["/rules", "/bundle", "/reload/history", "/reload/stats"])
        {
            (await host.Anybody.GetAsync(path)).Expect(200);
            (await host.Anybody.GetAsync(path, proxied)).ExpectProblem(401, "auth.missing");
            (await stranger.GetAsync(path, proxied)).ExpectProblem(403, "auth.tenant");
            (await host.Admin.GetAsync(path, proxied)).Expect(200);
        }

        (await host.Anybody.PostAsync("/decide", new { capability_id = "orders.read" }, proxied)).ExpectProblem(401, "auth.missing");
        (await host.Anybody.PostAsync("/bundle/verify", new { bundle_path = "x" }, proxied)).ExpectProblem(401, "auth.missing");
    }

    [Fact]
    public async Task Who_may_read_without_a_key_is_a_setting()
    {
        await using var host = await SingleNodeHost.StartAsync(server, settings => settings with { SingleNodeOpen = false });
        (await host.DecideAsync()).ExpectProblem(401, "auth.missing");

        await host.RestartAsync(settings => settings with { BundleFile = host.File, SingleNodeOpen = true });
        (await host.Anybody.PostAsync("/decide", new { capability_id = "orders.read" }, ("X-Forwarded-For", "203.0.113.7"))).Expect(200);
        (await host.Anybody.PostAsync("/reload", new { })).ExpectProblem(401, "auth.missing");
    }

    [Fact]
    public async Task A_body_of_another_type_is_told_so()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        using var form = new FormUrlEncodedContent([new("capability_id", "x")]);
        (await host.Anybody.SendAsync(HttpMethod.Post, "/decide", form)).ExpectProblem(415, "request.media_type");
        (await host.Anybody.PostAsync("/decide", "{")).ExpectProblem(400, "json.malformed");
        (await host.Anybody.PostAsync("/decide", new { })).ExpectProblem(400, "request.capability_id");
        (await host.Anybody.PostAsync("/decide", new { capability_id = "x", context = 1 })).ExpectProblem(400, "request.context");
    }

    [Fact]
    public async Task An_idempotent_reload_is_done_once()
    {
        await using var host = await SingleNodeHost.StartAsync(server);
        var first = (await host.Admin.PostAsync("/reload", new { }, ("Idempotency-Key", "once"))).Expect(200);
        var again = (await host.Admin.PostAsync("/reload", new { }, ("Idempotency-Key", "once"))).Expect(200);
        Assert.Equal(first.Text, again.Text);
        Assert.Equal(2, (await host.Anybody.GetAsync("/reload/stats")).Expect(200)["total_reloads"].GetInt64());
        (await host.Admin.PostAsync("/reload", new { allow_older = true }, ("Idempotency-Key", "once"))).ExpectProblem(422, "operation.reused");
    }

    private static async Task<ApiClient> KeyAsync(SingleNodeHost host, string tenant, string role)
    {
        var made = await host.Admin.PostAsync($"/v1/{tenant}/keys", new { name = role, subject = role, role });
        return new ApiClient(host.Address, made.Expect(201)["key"].GetString());
    }

    private static async Task ExecuteAsync(SingleNodeHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(host.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
