using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Nats;

/// <summary>The bridge of deploy/nats between a real nats-server and the real process: what services that speak NATS are told and may do.</summary>
[Collection(OneControlPlane.Name)]
public sealed class BridgeTests(ControlPlane plane) : IAsyncLifetime
{
    private const string HashSubject = "titan.req.exec.policy_hash.v1";
    private const string ArmSubject = "titan.cmd.operator.arm.v1";
    private const string DisarmSubject = "titan.cmd.operator.disarm.v1";
    private static readonly byte[] Nothing = "{}"u8.ToArray();
    private static long _seq;

    private readonly TestBundles _bundles = new();
    private readonly TemporaryFolder _folder = new();
    private readonly List<Bridge> _bridges = [];
    private NatsServer _nats = null!;
    private NatsClient _client = null!;
    private TestTenant _tenant = null!;
    private TenantClient _node = null!;
    private string _hash = "";
    private string _key = "";

    public async ValueTask InitializeAsync()
    {
        _nats = await NatsServer.StartAsync();
        _client = await NatsClient.ConnectAsync(_nats);
        _tenant = await plane.NewTenantAsync();
        (_hash, _) = await _tenant.RunningFleetAsync("edge", _bundles, nodes: 2, settings: new { requires_armed = true });
        _node = await _tenant.WithRoleAsync("node", "edge", "n000");
        _key = (await _tenant.WithRoleAsync("operator", subject: "nats-bridge")).Api.Key!;
    }

    public async ValueTask DisposeAsync()
    {
        _bridges.ForEach(bridge => bridge.Dispose());
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        _nats?.Dispose();
        _folder.Dispose();
        _bundles.Dispose();
    }

    [Fact]
    public async Task It_tells_the_hash_that_the_execution_side_runs_and_nothing_where_that_is_not_known()
    {
        var bridge = await StartAsync();
        Assert.Null(await _client.RequestAsync(HashSubject, Nothing, seconds: 1));
        Assert.Equal("1", await bridge.MetricAsync($$"""policy_nats_bridge_messages_total{subject="{{HashSubject}}",outcome="hash.node_silent"}"""));

        await SpeakAsync(_hash);
        var answer = (await _client.RequestAsync(HashSubject, """{"request_type":"policy_hash"}"""u8.ToArray()))!.Value;

        Assert.Equal(_hash, answer.GetProperty("policy_hash").GetString());
        Assert.InRange(DateTimeOffset.FromUnixTimeMilliseconds(answer.GetProperty("timestamp").GetInt64()), DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.Equal("1.0.0", answer.GetProperty("policy_version").GetString());

        // Whatever is asked: the question has one meaning. And many at once are all answered.
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => _client.RequestAsync(HashSubject, "no JSON"u8.ToArray())));
        Assert.All(answers, one => Assert.Equal(_hash, one!.Value.GetProperty("policy_hash").GetString()));
    }

    [Fact]
    public async Task Of_a_document_it_tells_the_hash_that_its_file_has()
    {
        var published = await _tenant.Admin.PostAsync("/bundles", _bundles.Sign(
            """{"metadata":{"bundle_id":"risk","version":"3.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"t","kind":"document"},"document":{"maxDailyLoss":-10.0},"signatures":[]}"""));
        var (hash, document) = (published.Expect(201)["policy_hash"].GetString()!, published["document_hash"].GetString());
        await StartAsync();
        await SpeakAsync(hash);

        var answer = (await _client.RequestAsync(HashSubject, Nothing))!.Value;

        Assert.Equal(document, answer.GetProperty("policy_hash").GetString());
        Assert.NotEqual(hash, document);
    }

    [Fact]
    public async Task Nodes_that_run_different_policies_have_no_hash_to_tell()
    {
        var bridge = await StartAsync(nodes: "n000,n001");
        var second = await _tenant.WithRoleAsync("node", "edge", "n001");
        await SpeakAsync(_hash);
        await SpeakAsync(new string('0', 64), second, "n001");

        Assert.Null(await _client.RequestAsync(HashSubject, Nothing, seconds: 1));

        await Eventually.BecomesAsync(() => bridge.MetricAsync($$"""policy_nats_bridge_messages_total{subject="{{HashSubject}}",outcome="hash.disagree"}"""), "1");
        await SpeakAsync(_hash, second, "n001");
        Assert.Equal(_hash, (await _client.RequestAsync(HashSubject, Nothing))!.Value.GetProperty("policy_hash").GetString());
    }

    [Fact]
    public async Task A_control_plane_that_cannot_be_reached_is_no_reason_to_guess_and_a_disarm_waits_for_it_over_a_restart()
    {
        using var wire = new Relay(plane.Address);
        var bridge = await StartAsync(wire.Address);
        await SpeakAsync(_hash);
        await ArmAsync();
        Assert.Equal(_hash, (await _client.RequestAsync(HashSubject, Nothing))!.Value.GetProperty("policy_hash").GetString());

        wire.Cut();
        await bridge.BecomesReadyAsync(false);
        Assert.Null(await _client.RequestAsync(HashSubject, Nothing, seconds: 6));
        var said = (await _client.RequestAsync(DisarmSubject, "smoke in the rack"u8.ToArray()))!.Value;
        Assert.Equal((false, true), (said.GetProperty("ok").GetBoolean(), said.GetProperty("pending").GetBoolean()));
        Assert.Equal("1", await bridge.MetricAsync("policy_nats_bridge_disarm_pending"));
        Assert.Equal("arm.disarm_pending", Code(await _client.RequestAsync(ArmSubject, Envelopes.Arm())));
        Assert.True(await IsArmedAsync());

        bridge.Kill();
        bridge = Start(wire.Address);
        wire.Mend();
        await bridge.ReadyAsync();

        await Eventually.BecomesAsync(IsArmedAsync, false);
        Assert.Contains("smoke in the rack", await LastReasonAsync(), StringComparison.Ordinal);
        await Eventually.BecomesAsync(() => bridge.MetricAsync("policy_nats_bridge_disarm_pending"), "0");
        Assert.True((await _client.RequestAsync(ArmSubject, Envelopes.Arm()))!.Value.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task Anyone_disarms_with_any_words()
    {
        await StartAsync();
        foreach (var (payload, words) in new (byte[], string)[]
        {
            ("stop now"u8.ToArray(), "stop now"),
            ([], "without a reason"),
            ([0xff, 0x00, 0x0a], "\ufffd"),
            ("""{"type":"DISARM_SYSTEM","reason":"a limit\nis broken \ud800","operator_id":"ada"}"""u8.ToArray(), "a limit is broken (ada)"),
            (Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("😀", 200_000))), "😀😀"),
            ("[[[[[[["u8.ToArray(), "[[[[[[["),
        })
        {
            await ArmAsync();

            var said = (await _client.RequestAsync(DisarmSubject, payload))!.Value;

            Assert.Equal((true, false), (said.GetProperty("ok").GetBoolean(), said.GetProperty("armed").GetBoolean()));
            Assert.False(await IsArmedAsync());
            Assert.Contains(words, await LastReasonAsync(), StringComparison.Ordinal);
        }

        // Without asking for an answer, and a thousand at once: they become a few.
        await ArmAsync();
        var before = await DisarmsAsync();
        for (var i = 0; i < 1_000; i++)
        {
            await _client.PublishAsync(DisarmSubject, "again"u8.ToArray());
        }

        await Eventually.BecomesAsync(IsArmedAsync, false);
        (await _client.RequestAsync(DisarmSubject, "last"u8.ToArray()))!.Value.GetProperty("ok");
        Assert.InRange(await DisarmsAsync() - before, 1, 100);
        var disarms = (await _tenant.Admin.GetAsync("/audit?newest=true&limit=10"))["entries"].EnumerateArray().Where(entry => entry.GetProperty("action").GetString() == "arm.disarmed");
        Assert.Equal(["nats"], disarms.Select(entry => entry.GetProperty("interface").GetString()).Distinct());
    }

    [Fact]
    public async Task Only_a_signed_envelope_arms_and_only_once()
    {
        var bridge = await StartAsync();
        var good = Envelopes.Arm(reason: "deployed 2.0.0");
        foreach (var (payload, code) in new (byte[], string)[]
        {
            ("go"u8.ToArray(), "envelope.malformed"),
            ([0xff, 0xfe], "envelope.malformed"),
            ("[]"u8.ToArray(), "envelope.malformed"),
            ("null"u8.ToArray(), "envelope.malformed"),
            ([], "envelope.malformed"),
            ("""{"type":"ARM_SYSTEM","reason":"x","operator_id":"ada"}"""u8.ToArray(), "envelope.unsigned"),
            (new byte[500_000], "envelope.too_large"),
            (Envelopes.Arm(secret: "another"), "envelope.signature"),
            (Envelopes.Arm(secret: ""), "envelope.signature"),
            (Envelopes.Arm(change: e => e["sig"] = new string('0', 64)), "envelope.signature"),
            (Envelopes.Arm(change: e => e["sig"] = "00"), "envelope.malformed"),
            (Envelopes.Arm(change: e => e["payload"]!["reason"] = "other"), "envelope.signature"),
            (Envelopes.Arm(change: e => e["payload"]!["__proto__"] = new System.Text.Json.Nodes.JsonObject()), "envelope.signature"),
            (Envelopes.Arm(change: e => e["ts"] = e["ts"]!.GetValue<long>() + 1), "envelope.signature"),
            (Envelopes.Arm(change: e => e["nonce"] = new string('a', 32)), "envelope.signature"),
            (Envelopes.Arm(change: e => e["ts"] = "now"), "envelope.malformed"),
            (Envelopes.Arm(change: e => e["ts"] = 1e300), "envelope.malformed"),
            (Envelopes.Arm(change: e => e["payload"] = "ARM_SYSTEM"), "envelope.malformed"),
            (Envelopes.Arm(change: e => e.Remove("type")), "envelope.malformed"),
            (Envelopes.Arm(nonce: "short"), "envelope.malformed"),
            (Envelopes.Arm(nonce: "nonce.with.points"), "envelope.malformed"),
            (Envelopes.Arm(age: TimeSpan.FromSeconds(301)), "envelope.stale"),
            (Envelopes.Arm(age: -TimeSpan.FromSeconds(310)), "envelope.future"),
            (Envelopes.Arm(reason: null), "arm.reason_missing"),
            (Envelopes.Arm(reason: " \n "), "arm.reason_missing"),
            (Envelopes.Arm(operatorId: null), "arm.operator_missing"),
            (Envelopes.Arm(type: "DISARM_SYSTEM"), "arm.type"),
        })
        {
            Assert.Equal(code, Code(await _client.RequestAsync(ArmSubject, payload)));
            Assert.False(await IsArmedAsync());
        }

        Assert.Equal("1", await bridge.MetricAsync($$"""policy_nats_bridge_messages_total{subject="{{ArmSubject}}",outcome="envelope.stale"}"""));
        Assert.NotEmpty(bridge.Events("message.refused"));
        var said = (await _client.RequestAsync(ArmSubject, good))!.Value;
        Assert.Equal((true, true), (said.GetProperty("ok").GetBoolean(), said.GetProperty("armed").GetBoolean()));
        Assert.True(await IsArmedAsync());
        Assert.Contains("by ada: deployed 2.0.0", await LastReasonAsync(), StringComparison.Ordinal);

        await _client.RequestAsync(DisarmSubject, "stop"u8.ToArray());
        Assert.Equal("envelope.replayed", Code(await _client.RequestAsync(ArmSubject, good)));
        bridge.Kill();
        bridge = await StartAsync();
        Assert.Equal("envelope.replayed", Code(await _client.RequestAsync(ArmSubject, good)));

        // Even where the bridge forgot: the control plane carries an envelope out once.
        bridge.Kill();
        File.Delete(Path.Combine(_folder["state"], "nonces"));
        await StartAsync();
        await _client.RequestAsync(ArmSubject, good);
        Assert.False(await IsArmedAsync());
    }

    [Fact]
    public async Task A_disarm_that_comes_while_an_arm_is_on_its_way_is_said_at_once_and_again_after_it()
    {
        await using var slow = await SlowPlane.StartAsync();
        var settings = Bridge.Settings(_folder, _nats, slow.Address, "key", "default", "n000");
        _bridges.Add(Bridge.Start(settings));
        await _bridges[^1].ReadyAsync();
        var arm = _client.RequestAsync(ArmSubject, Envelopes.Arm());
        await Eventually.BecomesAsync(() => Task.FromResult(string.Join(' ', slow.Told)), "arm asked");

        Assert.True((await _client.RequestAsync(DisarmSubject, "stop"u8.ToArray()))!.Value.GetProperty("ok").GetBoolean());
        Assert.Equal("arm.disarm_pending", Code(await _client.RequestAsync(ArmSubject, Envelopes.Arm())));
        slow.ArmMayEnd.SetResult();
        await arm;

        await Eventually.BecomesAsync(() => Task.FromResult(string.Join(' ', slow.Told)), "arm asked disarm arm disarm");
    }

    [Fact]
    public async Task After_an_emergency_an_envelope_is_only_the_first_of_two_people()
    {
        await StartAsync();
        (await _tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "fire", emergency = true })).Expect(200);

        Assert.Equal("arm.second_person", Code(await _client.RequestAsync(ArmSubject, Envelopes.Arm())));
        Assert.False(await IsArmedAsync());
    }

    [Fact]
    public async Task Rejections_are_published_on_both_subjects_and_wait_for_nats_where_it_is_away()
    {
        var bridge = await StartAsync();
        var channels = new[] { await _client.SubscribeAsync("titan.evt.exec.reject.v1"), await _client.SubscribeAsync("titan.evt.execution.reject.v1") };
        await SpeakAsync(_hash, rejected: "decide.disarmed");
        foreach (var channel in channels)
        {
            var told = await NextAsync(channel);
            Assert.Equal(("execution.intent.rejected", "system_disarmed", "decide.disarmed"), (Text(told, "event_type"), Text(told, "reason"), Text(told, "code")));
            Assert.Equal((_hash, "N/A", "N/A", "N/A"), (Text(told, "expected_policy_hash"), Text(told, "got_policy_hash"), Text(told, "intent_id"), Text(told, "brain_instance_id")));
            Assert.Equal(("n000", 7, 1_767_225_600_000), (Text(told, "node"), told.GetProperty("count").GetInt32(), told.GetProperty("timestamp").GetInt64()));
        }

        await _client.DisposeAsync();
        _nats.Stop();
        await bridge.BecomesReadyAsync(false);
        await SpeakAsync(_hash, rejected: "decide.superseded");
        await SpeakAsync(_hash, rejected: "decide.stale");
        await _nats.StartAgainAsync();
        _client = await NatsClient.ConnectAsync(_nats);
        var again = await _client.SubscribeAsync("titan.evt.execution.reject.v1");
        await bridge.BecomesReadyAsync(true);
        await SpeakAsync(_hash, rejected: "decide.no_policy");

        var reasons = new List<string?>();
        while (!reasons.Contains("decide.no_policy"))
        {
            reasons.Add(Text(await NextAsync(again), "reason"));
        }

        // The test may have come back after the bridge: what it hears is in order, and all of it was said.
        string[] all = ["policy_hash_mismatch", "decide.stale", "decide.no_policy"];
        Assert.Equal(all.TakeLast(reasons.Count), reasons);
        await Eventually.BecomesAsync(() => bridge.MetricAsync("policy_nats_bridge_rejections_published_total"), "4");
        Assert.Equal("0", await bridge.MetricAsync("policy_nats_bridge_rejections_dropped_total"));
        Assert.Equal(_hash, (await _client.RequestAsync(HashSubject, Nothing))!.Value.GetProperty("policy_hash").GetString());
    }

    [Fact]
    public async Task It_is_not_ready_before_NATS_is_there()
    {
        await _client.DisposeAsync();
        _nats.Stop();
        const string Nats = """policy_nats_bridge_connected{side="nats"}""";
        var bridge = Start();
        await Eventually.BecomesAsync(() => Task.FromResult(bridge.Events("started").Count), 1);
        await Eventually.BecomesAsync(() => bridge.MetricAsync("""policy_nats_bridge_connected{side="events"}"""), "1");

        Assert.Equal("0", await bridge.MetricAsync(Nats));
        await bridge.BecomesReadyAsync(false);

        await _nats.StartAgainAsync();
        await bridge.BecomesReadyAsync(true);
        Assert.Equal("1", await bridge.MetricAsync(Nats));
        _client = await NatsClient.ConnectAsync(_nats);
        await SpeakAsync(_hash);
        Assert.Equal(_hash, (await _client.RequestAsync(HashSubject, Nothing))!.Value.GetProperty("policy_hash").GetString());

        // And not after it has gone.
        await _client.DisposeAsync();
        _nats.Stop();
        await Eventually.BecomesAsync(() => bridge.MetricAsync(Nats), "0");
        await bridge.BecomesReadyAsync(false);
        await _nats.StartAgainAsync();
        await bridge.BecomesReadyAsync(true);
        _client = await NatsClient.ConnectAsync(_nats);
    }

    [Fact]
    public async Task It_follows_the_events_again_when_the_stream_was_cut()
    {
        using var wire = new Relay(plane.Address);
        var bridge = await StartAsync(wire.Address);
        var told = await _client.SubscribeAsync("titan.evt.exec.reject.v1");
        wire.Cut();
        await bridge.BecomesReadyAsync(false);
        wire.Mend();
        await bridge.BecomesReadyAsync(true);

        await SpeakAsync(_hash, rejected: "decide.stale");

        Assert.Equal("decide.stale", Text(await NextAsync(told), "reason"));
        Assert.Equal("1", await bridge.MetricAsync("policy_nats_bridge_stream_gaps_total"));
    }

    [Fact]
    public async Task It_does_not_start_without_a_secret_or_with_a_key_that_is_refused()
    {
        var settings = Bridge.Settings(_folder, _nats, plane.Address, "nobody", _tenant.Name, "n000");
        Assert.Contains("key", await RefusalAsync(settings), StringComparison.OrdinalIgnoreCase);

        await File.WriteAllTextAsync(_folder["secret"], " \n");
        settings["POLICY_FLEET"] = "Not a name";
        settings["NATS_URL"] = "nats://user:password@127.0.0.1";
        var said = await RefusalAsync(settings);
        Assert.Contains("HMAC_SECRET_FILE: the file is empty", said, StringComparison.Ordinal);
        Assert.Contains("POLICY_FLEET", said, StringComparison.Ordinal);
        Assert.Contains("NATS_URL", said, StringComparison.Ordinal);
        Assert.DoesNotContain("password@", said, StringComparison.Ordinal);

        Directory.CreateDirectory(_folder["state"]);
        await File.WriteAllTextAsync(Path.Combine(_folder["state"], "nonces"), "not a nonce\n");
        settings = Bridge.Settings(_folder, _nats, plane.Address, "nobody", _tenant.Name, "n000");
        Assert.Contains("damaged", await RefusalAsync(settings, code: 1), StringComparison.Ordinal);
    }

    private async Task<Bridge> StartAsync(Uri? controlPlane = null, string nodes = "n000") => await Start(controlPlane, nodes).ReadyAsync();

    private Bridge Start(Uri? controlPlane = null, string nodes = "n000")
    {
        _bridges.Add(Bridge.Start(Bridge.Settings(_folder, _nats, controlPlane ?? plane.Address, _key, _tenant.Name, nodes)));
        return _bridges[^1];
    }

    private static async Task<string> RefusalAsync(Dictionary<string, string> settings, int code = 2)
    {
        using var bridge = Bridge.Start(settings);
        Assert.Equal(code, await bridge.EndAsync());
        return bridge.Output;
    }

    private async Task ArmAsync() => (await _tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "go" })).Expect(200);

    private async Task<bool> IsArmedAsync() => (await _tenant.Admin.GetAsync("/fleets/edge"))["armed"].GetBoolean();

    private async Task<string> LastReasonAsync() =>
        (await _tenant.Admin.GetAsync("/fleets/edge"))["arming"].GetProperty("fleet").GetProperty("reason").GetString()!;

    private async Task<int> DisarmsAsync() => (await _tenant.Admin.GetAsync("/audit?limit=1000"))["entries"].EnumerateArray()
        .Count(entry => entry.GetProperty("action").GetString() == "arm.disarmed");

    /// <summary>What an agent says that runs a policy, and until it was heard.</summary>
    private async Task SpeakAsync(string hash, TenantClient? node = null, string name = "n000", string? rejected = null)
    {
        (await (node ?? _node).PostAsync($"/fleets/edge/nodes/{name}/report", new
        {
            boot_id = "boot",
            seq = Interlocked.Increment(ref _seq),
            epoch = 1,
            policy_hash = hash,
            ack = true,
            rejections = rejected is null ? null : new[] { new { reason = rejected, count = 7, expected_hash = _hash, got_hash = (string?)null, at = "2026-01-01T00:00:00Z" } },
        })).Expect(200);
        await Eventually.BecomesAsync(
            async () =>
            {
                var seen = (await _tenant.Admin.GetAsync($"/fleets/edge/nodes/{name}")).Json;
                return (seen.GetProperty("state").GetString(), seen.TryGetProperty("policy_hash", out var runs) ? runs.GetString() : null);
            },
            ("live", hash));
    }

    private static async Task<JsonElement> NextAsync(ChannelReader<string> messages)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return JsonElement.Parse(await messages.ReadAsync(deadline.Token));
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private static string? Code(JsonElement? answer) => answer!.Value.TryGetProperty("code", out var code) ? code.GetString() : null;
}
