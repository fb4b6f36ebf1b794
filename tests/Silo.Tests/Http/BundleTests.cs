using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class BundleTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_signed_bundle_is_published_and_read_back_byte_for_byte()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        var content = _bundles.Make("1.0.0");

        var published = (await tenant.Admin.PostAsync("/bundles", content)).Expect(201);

        var hash = published["policy_hash"].GetString()!;
        Assert.Equal("1.0.0", published["version"].GetString());
        Assert.Equal("verified", published["state"].GetString());
        Assert.Equal(1, published["rules"].GetInt32());
        Assert.EndsWith($"/bundles/{hash}", published.Headers["Location"], StringComparison.Ordinal);
        foreach (var reference in new[] { hash, "1.0.0" })
        {
            Assert.Equal(hash, (await tenant.Admin.GetAsync($"/bundles/{reference}")).Expect(200)["policy_hash"].GetString());
            var read = (await tenant.Admin.GetAsync($"/bundles/{reference}/content")).Expect(200);
            Assert.Equal(content, read.Body);
            Assert.Equal($"\"{hash}\"", read.Headers["ETag"]);
        }

        (await tenant.Admin.GetAsync($"/bundles/{hash}/content", ("If-None-Match", $"\"{hash}\""))).Expect(304);
        Assert.Equal(hash, (await tenant.Admin.GetAsync("/bundles")).Expect(200)["bundles"][0].GetProperty("policy_hash").GetString());
    }

    [Fact]
    public async Task The_same_content_again_is_200_and_takes_no_admission()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 1);
        await tenant.TrustAsync(_bundles);
        var content = _bundles.Make("1.0.0");
        (await tenant.Admin.PostAsync("/bundles", content)).Expect(201);

        (await tenant.Admin.PostAsync("/bundles", content)).Expect(200);

        Assert.InRange((await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble(), 0, 0.9);
    }

    [Fact]
    public async Task A_version_names_one_content()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        await tenant.PublishAsync(_bundles, "1.0.0");

        var other = _bundles.Sign(TestBundles.WithoutSignature("1.0.0", ",\"description\":\"another\""));

        (await tenant.Admin.PostAsync("/bundles", other)).ExpectProblem(409, "bundle.version_taken");
    }

    [Fact]
    public async Task An_update_beyond_the_limit_is_429_and_right_to_the_second()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 10, minIntervalSec: 60);
        await tenant.TrustAsync(_bundles);
        await tenant.PublishAsync(_bundles, "1.0.0");

        var refused = (await tenant.Admin.PostAsync("/bundles", _bundles.Make("2.0.0"))).ExpectProblem(429, "admission.refused");

        Assert.False(refused["allowed"].GetBoolean());
        Assert.InRange(int.Parse(refused.Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture), 30, 60);
        Assert.Equal("\"updates\";q=10;w=60, \"interval\";q=1;w=60", refused.Headers["RateLimit-Policy"]);
        Assert.Equal("\"interval\";r=0;t=" + refused.Headers["Retry-After"], refused.Headers["RateLimit"]);
        (await tenant.Admin.GetAsync("/bundles/2.0.0")).ExpectProblem(404, "bundle.unknown");
    }

    [Theory]
    [InlineData("unsigned", "bundle.unsigned")]
    [InlineData("wrongly signed", "bundle.signature_invalid")]
    [InlineData("signed by nobody known", "bundle.key_unknown")]
    [InlineData("truncated", "bundle.malformed")]
    [InlineData("duplicate key", "bundle.malformed")]
    [InlineData("deeply nested", "bundle.too_deep")]
    [InlineData("no json", "bundle.malformed")]
    [InlineData("no object", "bundle.malformed")]
    [InlineData("empty", "bundle.malformed")]
    [InlineData("no rules", "bundle.empty")]
    public async Task A_bad_bundle_is_refused_with_its_code_and_not_stored(string kind, string code)
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);

        var answer = await tenant.Admin.PostAsync("/bundles", Bad(kind));

        answer.ExpectProblem(400, code);
        Assert.Equal(0, (await tenant.Admin.GetAsync("/bundles"))["bundles"].GetArrayLength());
    }

    [Fact]
    public async Task An_oversized_bundle_is_413()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);

        var answer = await tenant.Admin.PostAsync("/bundles", new string(' ', (16 * 1024 * 1024) + 1));

        answer.ExpectProblem(413, "bundle.too_large");
    }

    [Fact]
    public async Task An_oversized_bundle_of_unknown_length_is_413_too()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        var endless = new StreamContent(new MemoryStream(new byte[(16 * 1024 * 1024) + 1]));
        endless.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        var answer = await tenant.Admin.Api.SendAsync(HttpMethod.Post, $"/v1/{tenant.Name}/bundles", endless, ("Transfer-Encoding", "chunked"));

        answer.ExpectProblem(413, "bundle.too_large");
    }

    [Fact]
    public async Task Without_a_trust_root_nothing_is_published_and_a_bad_file_is_told_first()
    {
        var tenant = await plane.NewTenantAsync();

        (await tenant.Admin.PostAsync("/bundles", _bundles.Make("1.0.0"))).ExpectProblem(409, "trust.unset");
        (await tenant.Admin.PostAsync("/bundles", "{")).ExpectProblem(400, "bundle.malformed");
        (await tenant.Admin.PostAsync("/bundles", TestBundles.WithoutSignature("1.0.0"))).ExpectProblem(400, "bundle.unsigned");
        (await tenant.Admin.PostAsync("/bundles", TestBundles.WithoutSignature("1.0"))).ExpectProblem(400, "bundle.metadata.version");
    }

    [Fact]
    public async Task A_strict_tenant_or_a_strict_request_refuses_fields_that_nothing_reads()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        var loose = _bundles.Sign(TestBundles.WithoutSignature("1.0.0", ",\"colour\":\"red\""));
        var trial = new { bundle = JsonElement.Parse(loose), inputs = new[] { new { capability_id = "orders.read" } } };
        (await tenant.Admin.PostAsync("/bundles?strict=true", loose)).ExpectProblem(400, "bundle.unknown_field");
        Assert.True((await tenant.Admin.PostAsync("/bundles/verify", loose))["valid"].GetBoolean());
        (await tenant.Admin.PostAsync("/bundles/try", trial)).Expect(200);

        Assert.True((await plane.Admin.PutAsync($"/v1/{tenant.Name}", new { strict_bundles = true })).Expect(200)["strict_bundles"].GetBoolean());
        (await plane.Admin.PutAsync($"/v1/{tenant.Name}", new { })).Expect(200);

        (await tenant.Admin.PostAsync("/bundles", loose)).ExpectProblem(400, "bundle.unknown_field");
        Assert.False((await tenant.Admin.PostAsync("/bundles/verify", loose))["valid"].GetBoolean());
        (await tenant.Admin.PostAsync("/bundles/try", trial)).ExpectProblem(400, "bundle.unknown_field");
        (await plane.Admin.PutAsync($"/v1/{tenant.Name}", new { strict_bundles = false })).Expect(200);
        (await tenant.Admin.PostAsync("/bundles", loose)).Expect(201);
    }

    [Fact]
    public async Task Verifying_stores_nothing_and_tells_everything_that_is_wrong()
    {
        var tenant = await plane.NewTenantAsync();
        var before = (await tenant.Admin.PostAsync("/bundles/verify", _bundles.Make("1.0.0"))).Expect(200);
        await tenant.TrustAsync(_bundles);

        var good = (await tenant.Admin.PostAsync("/bundles/verify", _bundles.Make("1.0.0"))).Expect(200);
        var bad = (await tenant.Admin.PostAsync("/bundles/verify", TestBundles.WithoutSignature("1.0.0"))).Expect(200);

        Assert.False(before["valid"].GetBoolean());
        Assert.True(good["valid"].GetBoolean(), good.Text);
        Assert.Equal("1.0.0", good["version"].GetString());
        Assert.Equal("orders", good["bundle_id"].GetString());
        Assert.False(bad["valid"].GetBoolean());
        Assert.NotEqual(0, bad["errors"].GetArrayLength());
        (await tenant.Admin.PostAsync("/bundles/verify", "[1]")).ExpectProblem(400, "bundle.malformed");
        (await tenant.Admin.PostAsync("/bundles/verify", "{\"a\":1,\"a\":2}")).ExpectProblem(400, "bundle.malformed");
        Assert.Equal(0, (await tenant.Admin.GetAsync("/bundles"))["bundles"].GetArrayLength());
    }

    [Fact]
    public async Task A_tag_names_a_bundle_and_keeps_its_history()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        var first = await tenant.PublishAsync(_bundles, "1.0.0");
        var second = await tenant.PublishAsync(_bundles, "2.0.0");

        (await tenant.Admin.PutAsync("/tags/stable", new { @ref = "1.0.0", reason = "good" })).Expect(200);
        (await tenant.Admin.PutAsync("/tags/stable", new { @ref = second, reason = "better" })).Expect(200);

        Assert.Equal(second, (await tenant.Admin.GetAsync("/bundles/tag:stable")).Expect(200)["policy_hash"].GetString());
        Assert.Equal([second, first], (await tenant.Admin.GetAsync("/tags"))["tags"].EnumerateArray().Select(tag => tag.GetProperty("policy_hash").GetString()!));
        (await tenant.Admin.PutAsync("/tags/stable", new { @ref = "9.9.9", reason = "?" })).ExpectProblem(404, "bundle.unknown");
        (await tenant.Admin.PutAsync("/tags/golden", new { @ref = first, reason = "?" })).Expect(400);
        (await tenant.Admin.PutAsync("/tags/Bad%20Name", new { @ref = first, reason = "?" })).ExpectProblem(400, "name.invalid");
        (await tenant.Admin.PutAsync($"/tags/{first}", new { @ref = first, reason = "a name like a hash" })).ExpectProblem(400, "name.invalid");
        Assert.Equal(["ref.invalid", "reason.missing"], (await tenant.Admin.PutAsync("/tags/stable", new { })).Expect(400).ErrorCodes);
    }

    [Fact]
    public async Task A_bundle_can_be_tried_and_a_stored_one_replayed()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        await tenant.PublishAsync(_bundles, "1.0.0");
        var inputs = new object[] { new { capability_id = "orders.read" }, new { capability_id = "orders.write", context = new { } } };

        var tried = await tenant.Admin.PostAsync("/bundles/try", $$"""{"bundle":{{TestBundles.WithoutSignature("2.0.0")}},"inputs":[{"capability_id":"orders.write"}]}""");
        var replayed = await tenant.Admin.PostAsync("/bundles/1.0.0/decide", new { inputs, now = "2026-01-01T00:00:00+02:00" });

        Assert.True(tried.Expect(200)["decisions"][0].GetProperty("decision").GetProperty("allowed").GetBoolean());
        Assert.Equal([true, false], replayed.Expect(200)["decisions"].EnumerateArray().Select(one => one.GetProperty("decision").GetProperty("allowed").GetBoolean()));
        Assert.Equal("orders.read", replayed["decisions"][0].GetProperty("capability_id").GetString());
        (await tenant.Admin.PostAsync("/bundles/9.9.9/decide", new { inputs })).ExpectProblem(404, "bundle.unknown");
        (await tenant.Admin.PostAsync("/bundles/1.0.0/decide", new { inputs = Array.Empty<int>() })).ExpectProblem(400, "request.inputs");
        (await tenant.Admin.PostAsync("/bundles/1.0.0/decide", new { inputs = new object[] { new { capability_id = "x", context = 1 } } })).ExpectProblem(400, "request.context");
        (await tenant.Admin.PostAsync("/bundles/try", new { bundle = new { policies = Array.Empty<int>() }, inputs })).Expect(400);
        (await tenant.Admin.PostAsync("/bundles/try", new { inputs })).ExpectProblem(400, "bundle.malformed");
    }

    [Fact]
    public async Task The_canonical_form_is_rfc_8785()
    {
        var tenant = await plane.NewTenantAsync();

        var answer = (await tenant.Admin.PostAsync("/canonical", """{ "b": 1.0, "a": [ 1e21, "é" ] }""")).Expect(200);

        Assert.Equal("""{"a":[1e+21,"é"],"b":1}""", answer["canonical"].GetString());
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(answer["canonical"].GetString()!))), answer["policy_hash"].GetString());
        (await tenant.Admin.PostAsync("/canonical", """{"a":1,"a":1}""")).ExpectProblem(400, "json.duplicate_key");
        (await tenant.Admin.PostAsync("/canonical", "\"\\ud800\"")).ExpectProblem(400, "json.surrogate");
        (await tenant.Admin.PostAsync("/canonical", "1e999")).ExpectProblem(400, "json.number");
        (await tenant.Admin.PostAsync("/canonical", "{")).ExpectProblem(400, "json.malformed");
    }

    private object Bad(string kind) => kind switch
    {
        "unsigned" => TestBundles.WithoutSignature("1.0.0"),
        "wrongly signed" => Encoding.UTF8.GetString(_bundles.Make("1.0.0")).Replace("\"orders\"", "\"others\"", StringComparison.Ordinal),
        "signed by nobody known" => Encoding.UTF8.GetString(_bundles.Make("1.0.0")).Replace(TestBundles.KeyId, "stranger", StringComparison.Ordinal),
        "truncated" => _bundles.Make("1.0.0")[..^10],
        "duplicate key" => "{\"metadata\":{},\"metadata\":{}}",
        "deeply nested" => new string('[', 100) + new string(']', 100),
        "no json" => "policy: allow",
        "no object" => "[]",
        "empty" => "",
        "no rules" => WithoutRules(_bundles.Make("1.0.0")),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static string WithoutRules(byte[] bundle)
    {
        var json = JsonNode.Parse(bundle)!;
        json["policies"] = new JsonArray();
        return json.ToJsonString();
    }
}
