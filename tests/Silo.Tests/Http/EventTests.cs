using System.Text.Json;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class EventTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task Refusals_arms_and_rollouts_come_as_they_happen()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, settings: new { requires_armed = true });
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        using var stream = await Listener.OpenAsync(tenant.Admin, "/events");

        (await node.PostAsync("/fleets/edge/nodes/n000/report", Report(1, baseline, ("decide.disarmed", 7)))).Expect(200);
        var refused = await stream.UntilAsync("rejection");
        Assert.Equal(
            ("n000", "edge", "decide.disarmed", 7, baseline, "2026-01-01T00:00:00+00:00"),
            (Text(refused, "node"), Text(refused, "fleet"), Text(refused, "reason"), refused.GetProperty("count").GetInt32(), Text(refused, "expected_policy_hash"), Text(refused, "at")));

        (await tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "go" })).Expect(200);
        Assert.Equal("go", Text(await stream.UntilAsync("arm.armed"), "reason"));
        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" })).Expect(200);
        Assert.Equal("stop", Text(await stream.UntilAsync("arm.disarmed"), "reason"));
        (await tenant.Admin.PostAsync("/fleets/edge/nodes/n000/decide", new { capability_id = "orders.read" })).ExpectProblem(503, "decide.disarmed");
        Assert.Equal("n000", Text(await stream.UntilAsync("rejection"), "node"));
        var started = await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "go" });
        (await tenant.Admin.PostAsync($"/rollouts/{started.Expect(201)["rollout_id"].GetString()}/rollback", new { reason = "back" })).Expect(200);
        Assert.Equal("RWG-003", Text(await stream.UntilAsync("rollout.rolled_back"), "code"));

        Assert.Equal("8", await NumberAsync("titan_execution_rejection_events_total{", tenant.Name, "decide.disarmed"));
        await Eventually.BecomesAsync(() => NumberAsync("titan_execution_armed_state{", tenant.Name, "edge"), "0");
    }

    [Fact]
    public async Task A_stream_that_is_opened_again_goes_on_where_it_stopped()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge");
        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "one" })).Expect(200);
        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "two" })).Expect(200);

        using var all = await Listener.OpenAsync(tenant.Admin, "/events?after=0");
        Assert.Equal("one", Text(await all.UntilAsync("arm.disarmed"), "reason"));
        var seq = all.LastId;
        using var rest = await Listener.OpenAsync(tenant.Admin, "/events", ("Last-Event-ID", seq!));

        Assert.Equal("two", Text(await rest.UntilAsync("arm.disarmed"), "reason"));
        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "three" })).Expect(200);
        Assert.Equal("three", Text(await rest.UntilAsync("arm.disarmed"), "reason"));
        (await tenant.Admin.GetAsync("/events?after=-1")).ExpectProblem(400, "events.after");
    }

    [Fact]
    public async Task A_tenant_hears_nothing_of_another()
    {
        var (one, other) = (await plane.NewTenantAsync(), await plane.NewTenantAsync());
        await one.FleetAsync("edge");
        await other.FleetAsync("edge");
        using var stream = await Listener.OpenAsync(one.Admin, "/events");

        (await other.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "theirs" })).Expect(200);
        (await one.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "ours" })).Expect(200);

        Assert.Equal("ours", Text(await stream.UntilAsync("arm.disarmed"), "reason"));
    }

    [Fact]
    public async Task A_report_is_counted_once_and_one_with_refusals_that_make_no_sense_is_refused()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 1);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        const string Path = "/fleets/edge/nodes/n000/report";

        (await node.PostAsync(Path, Report(5, baseline, ("decide.stale", 3)))).Expect(200);
        (await node.PostAsync(Path, Report(5, baseline, ("decide.stale", 3)))).Expect(200);
        (await node.PostAsync(Path, Report(6, baseline, ("decide.stale", 0)))).ExpectProblem(400, "report.invalid");
        (await node.PostAsync(Path, Report(6, baseline, ("Not a code\n", 1)))).ExpectProblem(400, "report.invalid");
        (await node.PostAsync(Path, Report(6, "short", ("decide.stale", 1)))).ExpectProblem(400, "report.invalid");
        (await node.PostAsync(Path, Report(6, baseline, [.. Enumerable.Range(0, 17).Select(i => ($"r{i}", 1L))]))).ExpectProblem(400, "report.invalid");

        Assert.Equal("3", await NumberAsync("titan_execution_rejection_events_total{", tenant.Name, "decide.stale"));
    }

    [Fact]
    public async Task Neither_a_key_nor_a_tenant_takes_the_places_of_the_others()
    {
        var (one, other) = (await plane.NewTenantAsync(), await plane.NewTenantAsync());
        var keys = new List<TenantClient>();
        var streams = new List<Listener>();
        try
        {
            while (streams.Count < StreamPlaces.OfTenantMax)
            {
                keys.Add(await one.WithRoleAsync("viewer"));
                for (var i = 0; i < StreamPlaces.OfKeyMax; i++)
                {
                    streams.Add(await Listener.OpenAsync(keys[^1], "/events"));
                }

                var refused = (await keys[^1].GetAsync("/events")).ExpectProblem(503, "service.busy");
                Assert.Equal("5", refused.Headers["Retry-After"]);
            }

            keys.Add(await one.WithRoleAsync("viewer"));
            (await keys[^1].GetAsync("/events")).ExpectProblem(503, "service.busy");
            keys.Add(await other.WithRoleAsync("viewer"));
            streams.Add(await Listener.OpenAsync(keys[^1], "/events"));

            // Who leaves gives its place back.
            streams[0].Dispose();
            await Eventually.BecomesAsync(async () => await CanOpenAsync(keys[0]), true);
        }
        finally
        {
            streams.ForEach(stream => stream.Dispose());
            keys.ForEach(key => key.Api.Dispose());
        }
    }

    private static async Task<bool> CanOpenAsync(TenantClient client)
    {
        using var response = await client.OpenAsync("/events");
        return response.IsSuccessStatusCode;
    }

    private async Task<string?> NumberAsync(string series, params string[] labels) =>
        (await plane.Admin.GetAsync("/metrics")).Text.Split('\n')
            .SingleOrDefault(line => line.StartsWith(series, StringComparison.Ordinal) && labels.All(label => line.Contains($"\"{label}\"", StringComparison.Ordinal)))
            ?.Split(' ')[^1];

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private static object Report(long seq, string hash, params (string Reason, long Count)[] rejections) => new
    {
        boot_id = "boot",
        seq,
        epoch = 1,
        policy_hash = hash.Length == 64 ? hash : null,
        ack = true,
        rejections = rejections.Select(one => new { reason = one.Reason, count = one.Count, expected_hash = hash, got_hash = (string?)null, at = "2026-01-01T00:00:00Z" }),
    };

    private sealed class Listener(HttpResponseMessage response, StreamReader reader) : IDisposable
    {
        public string? LastId { get; private set; }

        public static async Task<Listener> OpenAsync(TenantClient client, string path, params (string Name, string Value)[] headers)
        {
            var response = await client.OpenAsync(path, headers);
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
            var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

            // The first beat says that it listens.
            Assert.Equal(": beat", await reader.ReadLineAsync());
            return new Listener(response, reader);
        }

        /// <summary>The data of the next event of a name.</summary>
        public async Task<JsonElement> UntilAsync(string name)
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var isIt = false;
            while (await reader.ReadLineAsync(deadline.Token) is { } line)
            {
                LastId = line.StartsWith("id: ", StringComparison.Ordinal) ? line[4..] : LastId;
                isIt = line.StartsWith("event: ", StringComparison.Ordinal) ? line[7..] == name : isIt;
                if (isIt && line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    return JsonElement.Parse(line[6..]);
                }
            }

            throw new InvalidOperationException($"The stream ended before '{name}'.");
        }

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
        }
    }
}
