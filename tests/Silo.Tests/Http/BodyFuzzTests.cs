using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Policy.Tests.Fuzz;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Sound bodies of every call that takes one, mutated, through the whole process: problems with codes, never a 500, never an allow by mistake.</summary>
public sealed class BodyFuzzTests(ControlPlane plane) : IClassFixture<ControlPlane>, IDisposable
{
    private const int Bodies = 20_000;
    private const int AtOnce = 8;
    private static readonly string[] Actions = ["pause", "resume", "rollback"];
    private static readonly string[] WaveActions = ["pause", "resume", "rollback", "end"];
    private static readonly string[] ArmScopes = ["/fleets/{fleet}/nodes/{node}", "/fleets/{fleet}", ""];

    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public void Every_call_that_takes_a_body_has_one_to_mutate() =>
        // A new call is listed in Calls with a sound body.
        Assert.Empty(Mapped().Except(Calls("").Select(call => call.Template)));

    private HashSet<string> Mapped() =>
        plane.Host.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is not null)
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(method =>
                $"{method} {Regex.Replace(endpoint.RoutePattern.RawText!, ":[a-z]+}", "}")}")).ToHashSet(StringComparer.Ordinal);

    [Fact]
    public async Task No_body_makes_the_control_plane_fail_or_allow()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 4);
        var aside = await plane.NewTenantAsync();
        await aside.RunningFleetAsync("edge", _bundles, nodes: 40);
        var plan = new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "r" };
        var rollout = (await aside.Admin.PostAsync("/rollouts", plan)).Expect(201)["rollout_id"].GetString()!;
        var leave = new { fleet = "edge", rule = "multi_stage", reason = "r", expires_at = DateTimeOffset.UtcNow.AddDays(1) };
        var waiver = (await aside.Admin.PostAsync("/waivers", leave)).Expect(201)["waiver_id"].GetString()!;
        await aside.FleetAsync("west", nodes: 40);
        (await aside.Admin.PutAsync("/fleets/west/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        string[][] steps = [["west"]];
        var wave = (await aside.Admin.PostAsync("/waves", new { fleets = steps, @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "r" })).Expect(201)["wave_id"].GetString()!;
        var webhook = (await aside.Admin.PostAsync("/webhooks", new { url = "https://192.0.2.1/" })).Expect(201)["webhook_id"].GetString()!;
        var mapped = Mapped();
        Call[] calls = [.. Calls(baseline).Where(call => mapped.Contains(call.Template))];
        var paths = calls.Select(call => call.Path((call.Where == Where.Aside ? aside : tenant).Name, rollout, wave, waiver, webhook, baseline)).ToArray();

        // Keys enough that no single one comes near its limit of requests.
        var admins = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => tenant.WithRoleAsync("admin", subject: $"admin-{i}")));
        var relay = await tenant.WithRoleAsync("relay", fleet: "edge");
        var counts = new Dictionary<int, int>();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (seed, chunk) in Mutants.Chunks([.. calls.Select(call => Encoding.UTF8.GetBytes(call.Body))], Bodies))
        {
            await Parallel.ForEachAsync(chunk.Index(), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (item, _) =>
            {
                var (index, mutant) = item;
                var call = calls[mutant.Seed];
                using var content = ApiClient.Json(mutant.Json);
                var client = call.Where switch
                {
                    Where.Tenant => admins[index % admins.Length].Api,
                    Where.Relay => relay.Api,
                    Where.Aside or Where.Installation => plane.Admin,
                    _ => throw new InvalidOperationException($"{call.Where} is no place."),
                };
                try
                {
                    var answer = await client.SendAsync(new HttpMethod(call.Method), paths[mutant.Seed], content);
                    Judge(answer);
                    lock (counts)
                    {
                        counts[answer.Status] = counts.GetValueOrDefault(answer.Status) + 1;
                        if (answer.Status is not (401 or 403 or 404 or 415 or 429))
                        {
                            taken.Add(call.Template);
                        }
                    }
                }
                catch (Exception e)
                {
                    throw Mutants.Failure(seed, mutant with { }, new InvalidOperationException($"{call.Template}: {e.Message}", e));
                }
            });
        }

        // Most bodies are refused, many are not, nothing else stands in their way, and every call was reached.
        var tenth = counts.Values.Sum() / 10;
        Assert.True(counts.GetValueOrDefault(400) > tenth && counts.Where(count => count.Key < 300).Sum(count => count.Value) > tenth / 2, string.Join(' ', counts));
        Assert.True(counts.GetValueOrDefault(401) + counts.GetValueOrDefault(403) + counts.GetValueOrDefault(429) < tenth, string.Join(' ', counts));
        Assert.Empty(calls.Select(call => call.Template).Except(taken));
        foreach (var each in new[] { tenant, aside })
        {
            Assert.True((await each.Admin.GetAsync("/audit/verify")).Expect(200)["valid"].GetBoolean());
        }
    }

    [Fact]
    public async Task A_relayed_node_whose_name_is_no_text_is_rejected_alone()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 1);
        var relay = await tenant.WithRoleAsync("relay", fleet: "edge");

        var answer = (await relay.PostAsync("/fleets/edge/reports:batch", """[{"node":"\udc00\ud800","boot_id":"b","seq":1}]""")).Expect(200);

        Assert.Equal("", answer["rejected"][0].GetProperty("node").GetString());
    }

    private static void Judge(ApiAnswer answer)
    {
        // A node that must not serve and a member that gives no answer are what these calls are there to tell.
        Assert.True(
            answer.Status < 500 || (answer.Status == 503 && (answer.Code == "parity.no_answer" || answer.Code.StartsWith("decide.", StringComparison.Ordinal))),
            answer.ToString());
        if (answer.Status >= 400)
        {
            Assert.Equal("application/problem+json", answer.ContentType);
            Assert.Contains('.', answer.Code);
            Assert.DoesNotContain("   at ", answer.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("OrleansPolicy.", answer.Text, StringComparison.Ordinal);
        }
        else if (answer.ContentType == "application/json" && answer.Json is { ValueKind: JsonValueKind.Object } json)
        {
            foreach (var decision in json.TryGetProperty("decisions", out var list) ? list.EnumerateArray() : json.TryGetProperty("decision", out var one) ? [json] : Enumerable.Empty<JsonElement>())
            {
                var made = decision.GetProperty("decision");
                Assert.False(made.GetProperty("allowed").GetBoolean() && made.GetProperty("reason").GetString()!.StartsWith("evaluation-error", StringComparison.Ordinal));
            }
        }
    }

    private Call[] Calls(string baseline)
    {
        var bundle = Encoding.UTF8.GetString(_bundles.Make("3.0.0"));
        var rules = TestBundles.WithoutSignature("1.0.0");
        var plan = TestPlans.Sound().GetRawText();
        const string inputs = """[{"capability_id":"orders.read","context":{"subject":{"id":"a"},"amount":5}},{"capability_id":"orders.write"}]""";
        const string input = """{"capability_id":"orders.read","context":{"a":1}}""";
        const string reason = """{"reason":"because"}""";
        const string disarm = """{"reason":"because","emergency":false}""";
        const string arm = """{"reason":"because","pending_id":null}""";
        const string reload = """{"bundle_path":"none.json","allow_expired":false,"allow_older":false}""";
        const string record = """
            {"at":"2026-01-01T00:00:00Z","node":"n001","fleet":"edge","capability_id":"orders.read","context":{"a":1},"decision":{"allowed":true,"require_confirmation":false,"reason":"r"},"epoch":1}
            """;
        return
        [
            new("POST /v1/{tenant}/bundles", bundle),
            new("POST /v1/{tenant}/bundles/verify", bundle),
            new("POST /v1/{tenant}/bundles/try", $$"""{"bundle":{{rules}},"inputs":{{inputs}},"now":"2026-01-01T00:00:00Z","default_effect":"deny"}"""),
            new("POST /v1/{tenant}/bundles/{reference}/decide", $$"""{"inputs":{{inputs}},"now":"2026-01-01T00:00:00+05:00"}"""),
            new("POST /v1/{tenant}/canonical", """{"b":[1.5,-0,1e21],"a":{"é":"\ud83d\ude00","":null}}"""),
            new("PUT /v1/{tenant}/trust", Encoding.UTF8.GetString(_bundles.RootJson)),
            new("PUT /v1/{tenant}/tags/{tag}", """{"ref":"1.0.0","reason":"good"}"""),
            new("POST /v1/{tenant}/admission", """{"operation_id":"x-1"}"""),
            new("PUT /v1/{tenant}/admission/config", """{"max_updates_per_minute":10,"min_interval_sec":6,"fleets":{"edge":{"max_updates_per_minute":5,"min_interval_sec":1}},"costs":{"publish":2}}""", Where.Aside),
            new("PUT /v1/{tenant}/fleets/{fleet}", """{"requires_armed":false,"max_staleness_sec":45,"node_ttl_sec":86400,"report_interval_sec":5}""", Fleet: "spare"),
            new("PUT /v1/{tenant}/fleets/{fleet}/baseline", """{"ref":"1.0.0","reason":"again"}"""),
            new("POST /v1/{tenant}/fleets/{fleet}/epoch", """{"epoch":3,"reason":"restored"}""", Where.Aside),
            new("POST /v1/{tenant}/fleets/{fleet}/quarantine/{hash}/release", reason, Where.Aside),
            new("POST /v1/{tenant}/rollouts/validate", $$"""{"fleet":"edge","critical":false,"rollout_wedge":{{plan}}}"""),
            new("POST /v1/{tenant}/rollouts", $$"""{"fleet":"edge","ref":"9.9.9","rollout_wedge":{{plan}},"reason":"r"}"""),
            .. Actions.Select(action => new Call($"POST /v1/{{tenant}}/rollouts/{{rollout}}/{action}", reason, Where.Aside)),
            new("POST /v1/{tenant}/rollouts/{rollout}/approve", """{"reason":"looked","stage_id":"canary"}""", Where.Aside),
            new("POST /v1/{tenant}/rollouts/{rollout}/attest", """{"criterion":"looks fine to ops","met":true,"reason":"looked"}""", Where.Aside),
            new("POST /v1/{tenant}/waves", $$"""{"fleets":[["edge"],["west"]],"ref":"9.9.9","rollout_wedge":{{plan}},"critical":false,"on_halt":"rollback","overrides":[{"fleet":"edge","rollout_wedge":{{plan}},"waiver_id":"w"}],"reason":"r"}"""),
            .. WaveActions.Select(action => new Call($"POST /v1/{{tenant}}/waves/{{wave}}/{action}", reason, Where.Aside)),
            new("POST /v1/{tenant}/waivers", $$"""{"fleet":"edge","ref":"1.0.0","rule":"multi_stage","reason":"two nodes","expires_at":"{{DateTime.UtcNow.AddDays(30):yyyy-MM-dd}}T00:00:00Z"}""", Where.Aside),
            new("POST /v1/{tenant}/waivers/{waiver}/approve", reason, Where.Aside),
            new("POST /v1/{tenant}/line/stop", reason, Where.Aside),
            new("POST /v1/{tenant}/line/release", reason, Where.Aside),
            new("PUT /v1/{tenant}/caps", """{"max_concurrent_rollouts":2,"max_nodes_per_failure_domain":10,"reason":"r"}""", Where.Aside),
            new("PUT /v1/{tenant}/windows/{window}", """{"kind":"deny","fleet":"edge","zone":"Europe/Berlin","starts":"2026-12-18T18:00","ends":"2026-12-21T06:00","repeats":"weekly","days":["friday"],"until":"2099-01-01T00:00","reason":"holidays"}""", Where.Aside),
            new("POST /v1/{tenant}/webhooks", """{"url":"https://192.0.2.1/hook","events":["rollout.*","RWG-003"],"description":"chat"}"""),
            new("PUT /v1/{tenant}/webhooks/{webhook}", """{"url":"https://192.0.2.1/hook","events":["arm.*"]}""", Where.Aside),
            new("POST /v1/{tenant}/fleets/{fleet}/handshake", $$"""{"node":"n001","role":"worker","policy_hash":"{{baseline}}"}"""),
            new("POST /v1/{tenant}/fleets/{fleet}/rollback", """{"ref":"9.9.9","allow_expired":false,"reason":"r"}"""),
            new("PUT /v1/{tenant}/fleets/{fleet}/nodes/{node}", """{"role":"worker","parity_group":"pair","failure_domain":"a","labels":{"zone":"z"}}"""),
            new("POST /v1/{tenant}/fleets/{fleet}/nodes:batch", """[{"node":"n001","role":"worker","labels":{"a":"b"}},{"node":"n002","failure_domain":"b"}]"""),
            new("POST /v1/{tenant}/fleets/{fleet}/nodes/{node}/report",
                $$$"""{"boot_id":"b","seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"arm_epoch":0,"policy_hash":"{{{baseline}}}","armed":false,"ack":true,"metrics":{"decisions":5,"error_rate":{"count":5,"sum":0} },"rejections":[{"reason":"decide.stale","count":2,"at":"2026-01-01T00:00:00Z"}]}"""),
            new("POST /v1/{tenant}/fleets/{fleet}/reports:batch",
                $$$"""[{"node":"n002","boot_id":"b","seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"policy_hash":"{{{baseline}}}","ack":true,"metrics":{"decisions":5} }]""", Where.Relay),
            new("POST /v1/{tenant}/fleets/{fleet}/nodes/{node}/decide", input),
            new("POST /v1/{tenant}/decide", input),
            new("POST /v1/{tenant}/decide:explain", input),
            new("POST /v1/{tenant}/fleets/{fleet}/decisions", $"[{record},{record}]", Where.Relay, Query: "?batch=b-1"),
            new("POST /v1/{tenant}/keys", """{"name":"a","subject":"b","role":"viewer","expires_at":"2099-01-01T00:00:00Z"}"""),
            new("POST /v1/{tenant}/keys:batch", """[{"name":"a","subject":"b","role":"viewer"},{"name":"c","subject":"d","role":"node","fleet":"edge","node":"n001"}]"""),
            new("POST /v1/{tenant}/runs", """{"run_id":"run-1","ref":"1.0.0","fleet":"edge","registry_hash":"0123456789abcdef","labels":{"a":"b"},"started_at":"2026-01-01T00:00:00Z"}"""),
            new("PUT /v1/{tenant}", """{"strict_bundles":false}""", Where.Aside),
            .. ArmScopes.SelectMany(scope => (Call[])
            [
                new($"POST /v1/{{tenant}}{scope}/disarm", disarm, Where.Aside, Query: "?wait=0"),
                new($"POST /v1/{{tenant}}{scope}/arm", arm, Where.Aside, Query: "?wait=0"),
            ]),
            new("POST /v1/disarm", disarm, Where.Installation, Query: "?wait=0"),
            new("POST /v1/arm", arm, Where.Installation, Query: "?wait=0"),
            new("POST /v1/keys", """{"name":"a","subject":"b","role":"admin","expires_at":"2099-01-01T00:00:00Z"}""", Where.Installation),
            new("POST /decide", input, Where.Installation),
            new("POST /evaluate", input, Where.Installation),
            new("POST /reload", reload, Where.Installation),
            new("POST /reload/bundle", reload, Where.Installation),
            new("POST /bundle/reload", reload, Where.Installation),
            new("POST /bundle/verify", bundle, Where.Installation),
        ];
    }

    private enum Where
    {
        /// <summary>A tenant with a running fleet.</summary>
        Tenant,

        /// <summary>The same, as the relay of its fleet.</summary>
        Relay,

        /// <summary>A tenant whose limits and arming are in nobody's way, with a rollout.</summary>
        Aside,

        Installation,
    }

    private sealed record Call(string Template, string Body, Where Where = Where.Tenant, string Fleet = "edge", string Query = "")
    {
        public string Method => Template[..Template.IndexOf(' ', StringComparison.Ordinal)];

        public string Path(string tenant, string rollout, string wave, string waiver, string webhook, string hash) => new StringBuilder(Template, Method.Length + 1, Template.Length - Method.Length - 1, 256)
            .Replace("{tenant}", tenant).Replace("{fleet}", Fleet).Replace("{node}", "n001").Replace("{rollout}", rollout).Replace("{wave}", wave).Replace("{waiver}", waiver).Replace("{webhook}", webhook).Replace("{window}", "holidays").Replace("{hash}", hash)
            .Replace("{reference}", "1.0.0").Replace("{tag}", "stable").Append(Query).ToString();
    }
}
