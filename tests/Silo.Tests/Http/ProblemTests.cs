using System.Net.Sockets;
using System.Text;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class ProblemTests(ControlPlane plane)
{
    [Fact]
    public async Task A_method_that_the_path_does_not_know_is_405_with_what_it_knows()
    {
        var answer = (await plane.Admin.DeleteAsync("/v1/default/fleets")).ExpectProblem(405, "request.method");

        Assert.Equal("GET", answer.Headers["Allow"]);
    }

    [Fact]
    public async Task A_body_that_is_no_json_by_its_own_word_is_415()
    {
        using var form = new FormUrlEncodedContent([new("a", "b")]);

        (await plane.Admin.SendAsync(HttpMethod.Post, "/v1/default/canonical", form)).ExpectProblem(415, "request.media_type");
    }

    [Fact]
    public async Task A_body_above_its_limit_is_413() =>
        (await plane.Admin.PutAsync("/v1/default/fleets/edge", new string(' ', 70_000))).ExpectProblem(413, "request.too_large");

    [Fact]
    public async Task Nesting_beyond_64_levels_is_malformed() =>
        (await plane.Admin.PutAsync("/v1/default/fleets/edge", new string('[', 70) + new string(']', 70))).ExpectProblem(400, "json.malformed");

    [Fact]
    public async Task A_name_or_a_text_that_is_no_text_is_refused()
    {
        (await plane.Admin.PutAsync("/v1/default/fleets/edge", """{"\ud800":1,"a":2}""")).ExpectProblem(400, "json.surrogate");
        (await plane.Admin.PutAsync("/v1/default/fleets/edge", (byte[])[.. "{\"a"u8, 0xC3, .. "\":1}"u8])).ExpectProblem(400, "json.malformed");
    }

    [Fact]
    public async Task What_is_no_http_gets_400()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(plane.Address.Host, plane.Address.Port);
        await using var stream = socket.GetStream();

        await stream.WriteAsync("NONSENSE\r\n\r\n"u8.ToArray());

        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 400", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Odd_requests_get_problems_and_never_a_500()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 2);
        var random = new Random(20261120);

        for (var round = 0; round < 600; round++)
        {
            var (method, path, body) = (Pick(random, Methods), Pick(random, Paths), Body(random));
            using var content = method is "GET" or "DELETE" ? null : ApiClient.Json(body);
            var answer = await plane.Admin.SendAsync(
                new HttpMethod(method), path.Replace("{t}", tenant.Name, StringComparison.Ordinal), content, ("If-None-Match", Pick(random, Scraps)), ("Accept", Pick(random, Accepts)));

            var what = $"round {round}: {method} {path} {Encoding.UTF8.GetString(body)}: {answer}";
            Assert.True(answer.Status < 500 || (answer.Status == 503 && answer.Code.StartsWith("decide.", StringComparison.Ordinal)), what);
            if (answer.Status >= 400)
            {
                Assert.True(answer.ContentType == "application/problem+json", what);
                Assert.True(answer.Code.Contains('.', StringComparison.Ordinal) && answer["status"].GetInt32() == answer.Status, what);
                Assert.DoesNotContain("   at ", answer.Text, StringComparison.Ordinal);
                Assert.DoesNotContain("OrleansPolicy.", answer.Text, StringComparison.Ordinal);
            }
        }
    }

    private static readonly string[] Methods = ["GET", "PUT", "POST", "DELETE", "PATCH"];

    private static readonly string[] Accepts = ["*/*", "application/json", "text/html", ""];

    private static readonly string[] Paths =
    [
        "/v1/{t}", "/v1/{t}/keys", "/v1/{t}/keys:batch", "/v1/{t}/trust", "/v1/{t}/trust/0", "/v1/{t}/trust/99999999999", "/v1/{t}/bundles", "/v1/{t}/bundles/verify",
        "/v1/{t}/bundles/try", "/v1/{t}/bundles/tag:a@b/decide", "/v1/{t}/bundles/tag:%F0%9F%98%80/content", "/v1/{t}/tags", "/v1/{t}/tags/x",
        "/v1/{t}/canonical", "/v1/{t}/admission", "/v1/{t}/admission/config", "/v1/{t}/rollouts", "/v1/{t}/rollouts/validate", "/v1/{t}/rollouts/%2F", "/v1/{t}/rollouts/a/why",
        "/v1/{t}/rollouts/a/events", "/v1/{t}/rollouts/a/rollback", "/v1/{t}/fleets", "/v1/{t}/fleets/edge", "/v1/{t}/fleets/edge/why", "/v1/{t}/fleets/edge/baseline",
        "/v1/{t}/fleets/edge/convergence?policy_hash=", "/v1/{t}/fleets/edge/nodes", "/v1/{t}/fleets/edge/nodes/n000", "/v1/{t}/fleets/edge/nodes:batch",
        "/v1/{t}/fleets/edge/nodes/n000/directive?wait=0", "/v1/{t}/fleets/edge/nodes/n000/directive?wait=0&wait=1", "/v1/{t}/fleets/edge/nodes/n000/report",
        "/v1/{t}/fleets/edge/reports:batch", "/v1/{t}/fleets/edge/arm?wait=0", "/v1/{t}/fleets/edge/nodes/n000/disarm?wait=0", "/v1/{t}/fleets/edge/disarm?wait=NaN", "/v1/{t}/arm?wait=-1", "/v1/{t}/fleets/edge/nodes/n000/decide", "/v1/{t}/decide", "/v1/{t}/decide:explain", "/v1/{t}/audit", "/v1/{t}/audit?after=&limit=",
        "/v1/{t}/audit?limit=-5", "/v1/{t}/audit/verify", "/v1/tenants", "/v1//fleets", "/v1/{t}/fleets//nodes", "/v1/{t}/fleets/..%2f..%2f", "/metrics", "/openapi/v2.json", "/openapi/v1.json",
    ];

    private static readonly string[] Scraps =
    [
        "null", "true", "-0", "1e999", "1e-999", "123456789012345678901234567890", "\"\"", "\"a\"", "\"\\ud800\"", "\"\\u0000\"", "\"2026-13-45T99:99:99Z\"", "[]", "{}", "[[]]", "[null]", "{\"a\":{}}",
        "\"tag:golden@edge\"", "\"viewer\"", "\"edge\"", "0", "45",
    ];

    private static readonly string[] Fields =
    [
        "name", "subject", "role", "fleet", "node", "expires_at", "keys", "threshold", "version", "ref", "reason", "rollout_wedge", "critical", "inputs", "bundle", "now", "default_effect",
        "capability_id", "context", "max_staleness_sec", "node_ttl_sec", "report_interval_sec", "requires_armed", "labels", "failure_domain", "boot_id", "seq", "epoch", "ack", "metrics",
        "policy_hash", "reload", "max_updates_per_minute", "min_interval_sec", "operation_id", "metadata", "policies", "signatures", "waiver_id", "change_summary", "emergency", "pending_id", "armed", "arm_epoch", "rejections",
    ];

    private static byte[] Body(Random random) => random.Next(10) switch
    {
        0 => [],
        1 => RandomBytes(random),
        2 => Encoding.UTF8.GetBytes(Pick(random, Scraps)),
        3 => Encoding.UTF8.GetBytes($"[{Object(random)},{Object(random)}]"),
        4 => Encoding.UTF8.GetBytes(Object(random)[..^1]),
        _ => Encoding.UTF8.GetBytes(Object(random)),
    };

    private static string Object(Random random) =>
        "{" + string.Join(',', Enumerable.Range(0, random.Next(6)).Select(_ => $"\"{Pick(random, Fields)}\":{(random.Next(5) == 0 ? "{\"" + Pick(random, Fields) + "\":" + Pick(random, Scraps) + "}" : Pick(random, Scraps))}")) + "}";

    private static byte[] RandomBytes(Random random)
    {
        var bytes = new byte[random.Next(1, 200)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string Pick(Random random, string[] from) => from[random.Next(from.Length)];
}
