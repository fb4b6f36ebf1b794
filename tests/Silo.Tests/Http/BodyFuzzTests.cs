using System.Text;
using System.Text.Json;
using OrleansPolicy.Policy.Tests.Fuzz;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Sound bodies of every call that takes one, mutated, through the whole process: problems with codes, never a 500, never an allow by mistake.</summary>
[Collection(OneControlPlane.Name)]
public sealed class BodyFuzzTests(ControlPlane plane) : IDisposable
{
    private const int Bodies = 20_000;
    private const int AtOnce = 8;

    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task No_body_makes_the_control_plane_fail_or_allow()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 4);
        var calls = Calls(baseline);

        // Keys enough that no single one comes near its limit of requests.
        var admins = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => tenant.WithRoleAsync("admin", subject: $"admin-{i}")));
        var relay = await tenant.WithRoleAsync("relay", fleet: "edge");
        var counts = new Dictionary<int, int>();
        foreach (var (seed, chunk) in Mutants.Chunks([.. calls.Select(call => Encoding.UTF8.GetBytes(call.Body))], Bodies))
        {
            await Parallel.ForEachAsync(chunk.Index(), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (item, _) =>
            {
                var (index, mutant) = item;
                var call = calls[mutant.Seed];
                using var content = ApiClient.Json(mutant.Json);
                try
                {
                    var answer = await (call.ByRelay ? relay : admins[index % admins.Length]).Api.SendAsync(
                        new HttpMethod(call.Method), $"/v1/{tenant.Name}{call.Path}", content);
                    Judge(answer);
                    lock (counts)
                    {
                        counts[answer.Status] = counts.GetValueOrDefault(answer.Status) + 1;
                    }
                }
                catch (Exception e)
                {
                    throw Mutants.Failure(seed, mutant with { }, new InvalidOperationException($"{call.Method} {call.Path}: {e.Message}", e));
                }
            });
        }

        // Most bodies are refused, many are not, and nothing else stands in their way.
        var tenth = counts.Values.Sum() / 10;
        Assert.True(counts.GetValueOrDefault(400) > tenth && counts.GetValueOrDefault(200) > tenth, string.Join(' ', counts));
        Assert.True(counts.GetValueOrDefault(401) + counts.GetValueOrDefault(403) + counts.GetValueOrDefault(429) < tenth, string.Join(' ', counts));
        (await tenant.Admin.GetAsync("/audit/verify")).Expect(200);
        Assert.True((await tenant.Admin.GetAsync("/audit/verify"))["valid"].GetBoolean());
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
        Assert.True(answer.Status < 500 || (answer.Status == 503 && answer.Code.StartsWith("decide.", StringComparison.Ordinal)), answer.ToString());
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
        return
        [
            new("POST", "/bundles", bundle),
            new("POST", "/bundles/verify", bundle),
            new("POST", "/bundles/try", $$"""{"bundle":{{rules}},"inputs":{{inputs}},"now":"2026-01-01T00:00:00Z","default_effect":"deny"}"""),
            new("POST", "/bundles/1.0.0/decide", $$"""{"inputs":{{inputs}},"now":"2026-01-01T00:00:00+05:00"}"""),
            new("POST", "/canonical", """{"b":[1.5,-0,1e21],"a":{"é":"\ud83d\ude00","":null}}"""),
            new("PUT", "/trust", Encoding.UTF8.GetString(_bundles.RootJson)),
            new("PUT", "/tags/stable", """{"ref":"1.0.0","reason":"good"}"""),
            new("POST", "/admission", """{"operation_id":"x-1"}"""),
            new("PUT", "/fleets/spare", """{"requires_armed":false,"max_staleness_sec":45,"node_ttl_sec":86400,"report_interval_sec":5}"""),
            new("PUT", "/fleets/edge/baseline", """{"ref":"1.0.0","reason":"again"}"""),
            new("POST", "/rollouts/validate", $$"""{"fleet":"edge","critical":false,"rollout_wedge":{{plan}}}"""),
            new("POST", "/rollouts", $$"""{"fleet":"edge","ref":"9.9.9","rollout_wedge":{{plan}},"reason":"r"}"""),
            new("POST", "/fleets/edge/rollback", """{"ref":"9.9.9","allow_expired":false,"reason":"r"}"""),
            new("PUT", "/fleets/edge/nodes/n000", """{"role":"worker","failure_domain":"a","labels":{"zone":"z"}}"""),
            new("POST", "/fleets/edge/nodes:batch", """[{"node":"n001","role":"worker","labels":{"a":"b"}},{"node":"n002","failure_domain":"b"}]"""),
            new("POST", "/fleets/edge/nodes/n001/report",
                $$$"""{"boot_id":"b","seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"arm_epoch":0,"policy_hash":"{{{baseline}}}","armed":false,"ack":true,"metrics":{"decisions":5,"error_rate":{"count":5,"sum":0} } }""",
                ByRelay: true),
            new("POST", "/fleets/edge/reports:batch",
                $$$"""[{"node":"n002","boot_id":"b","seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"policy_hash":"{{{baseline}}}","ack":true,"metrics":{"decisions":5} }]""", ByRelay: true),
            new("POST", "/fleets/edge/nodes/n000/decide", """{"capability_id":"orders.read","context":{"a":1}}"""),
            new("POST", "/keys", """{"name":"a","subject":"b","role":"viewer","expires_at":"2099-01-01T00:00:00Z"}"""),
        ];
    }

    private sealed record Call(string Method, string Path, string Body, bool ByRelay = false);
}
