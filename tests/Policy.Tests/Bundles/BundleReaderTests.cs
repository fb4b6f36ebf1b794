using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class BundleReaderTests
{
    private static readonly string Blanks = new(' ', 2 * 1024 * 1024);

    [Fact]
    public void A_native_bundle_says_what_it_is()
    {
        var bundle = Read("""
            {"metadata":{"bundle_id":"b","version":"2.1.0-rc.1+build","issued_at":"2026-01-01T01:00:00.5+01:00","expires_at":"2027-01-01T00:00:00Z",
                         "issuer":"i","sequence":9007199254740992,"kind":"rules","default_effect":"allow","description":"d","labels":{}},
             "policies":[{"id":"a","effect":"allow"},{"match":{},"decision":{"action":"deny"}}],
             "data":{"x":[1]},"signatures":[{"key_id":"k","algorithm":"ES256","sig":"AA=="}]}
            """, new BundleReadOptions { Strict = true }).Value!;

        Assert.Equal(
            new BundleMetadata
            {
                BundleId = "b",
                Version = "2.1.0-rc.1+build",
                Issuer = "i",
                Sequence = 9007199254740992,
                DefaultEffect = DefaultEffect.Allow,
                IssuedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, 500, TimeSpan.Zero),
                ExpiresAt = new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero),
            },
            bundle.Metadata);
        Assert.Equal((BundleForm.Native, "rules", 2, null), (bundle.Form, bundle.Kind, bundle.Rules.Length, bundle.DocumentHash));
        Assert.Equal(["a", "#1"], bundle.Rules.Select(r => r.Id));
        Assert.Equal([new BundleSignature("k", "ES256", "AA==")], bundle.Signatures);
    }

    [Fact]
    public void The_policy_hash_covers_everything_but_the_signatures()
    {
        const string content = """{"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"i","kind":"rules"},"policies":[{"id":"a","effect":"allow"}]}""";
        var hash = CanonicalJson.Hash(CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(content)));

        Assert.Equal(hash, Read(content).Value!.PolicyHash);
        Assert.Equal(hash, Read(content[..^1] + ""","signatures":[{"key_id":"k","algorithm":"PS256","sig":""}]}""").Value!.PolicyHash);
        Assert.NotEqual(hash, Read(content[..^1] + ""","data":{}}""").Value!.PolicyHash);
    }

    [Theory]
    [InlineData("{}", "bundle.metadata bundle.policies bundle.unsigned")]
    [InlineData("""{"metadata":[],"policies":{},"signatures":{}}""",
        "bundle.metadata bundle.metadata.version bundle.metadata.issued_at bundle.metadata.bundle_id bundle.metadata.issuer bundle.signature.list bundle.unsigned bundle.policies")]
    [InlineData("""{"metadata":{"kind":"other","version":"1.0","issued_at":"2026-01-01","expires_at":"soon","bundle_id":" ","issuer":7,"sequence":-1,"default_effect":"block"},"signatures":[1],"policies":[]}""",
        "bundle.metadata.kind bundle.metadata.version bundle.metadata.issued_at bundle.metadata.expires_at bundle.metadata.bundle_id bundle.metadata.issuer bundle.metadata.sequence bundle.metadata.default_effect bundle.signature.fields bundle.empty")]
    [InlineData("""{"metadata":{"kind":1,"version":1,"issued_at":1,"expires_at":1,"bundle_id":1,"issuer":"","sequence":1.5,"default_effect":1},"signatures":[{"key_id":"k","algorithm":"RS256","sig":""},{"key_id":"","algorithm":"ES256","sig":""},{"key_id":"k","algorithm":"ES256"},{"key_id":"k","sig":"x"}],"policies":[1],"data":1}""",
        "bundle.metadata.kind bundle.metadata.version bundle.metadata.issued_at bundle.metadata.expires_at bundle.metadata.bundle_id bundle.metadata.issuer bundle.metadata.sequence bundle.metadata.default_effect bundle.signature.algorithm bundle.signature.fields bundle.signature.fields bundle.signature.fields bundle.data bundle.rule.type")]
    [InlineData("""{"metadata":{"kind":"document","version":"1.0.0","issued_at":"2026-01-02T00:00:00Z","expires_at":"2026-01-02T00:00:00Z","bundle_id":"b","issuer":"i"},"policies":[]}""",
        "bundle.metadata.expires_at bundle.unsigned bundle.document.policies bundle.document")]
    [InlineData("""{"metadata":{"kind":"document","version":"1.0.0","issued_at":"2026-01-02T00:00:00Z","bundle_id":"b","issuer":"i"},"document":{"a":1},"schema":{"properties":{"a":{"type":"string"}},"required":["b"]}}""",
        "bundle.unsigned bundle.document.schema bundle.document.schema")]
    [InlineData("""{"metadata":{"kind":"document","version":"1.0.0","issued_at":"2026-01-02T00:00:00Z","bundle_id":"b","issuer":"i"},"document":{"a":1},"schema":{"format":"email"}}""",
        "bundle.unsigned bundle.schema_unsupported")]
    public void Everything_wrong_is_told_at_once(string json, string codes) =>
        Assert.Equal(codes, string.Join(' ', BundleReader.Read(Encoding.UTF8.GetBytes(json), BundleReadOptions.Default).Problems.Select(p => p.Code)));

    [Theory]
    [InlineData("", "bundle.malformed")]
    [InlineData("hello", "bundle.malformed")]
    [InlineData("\"text\"", "bundle.malformed")]
    [InlineData("[]", "bundle.malformed")]
    [InlineData("{\"metadata\":{\"kind\":\"rules\"", "bundle.malformed")]
    [InlineData("{\"metadata\":{\"kind\":\"rules\"},\"metadata\":{}}", "bundle.malformed")]
    [InlineData("{\"metadata\":{\"kind\":\"rules\",\"k\\u0069nd\":\"rules\"}}", "bundle.malformed")]
    [InlineData("{\"signatures\":[{\"a\":1,\"a\":1}]}", "bundle.malformed")]
    [InlineData("{\"signature\":{\"a\":1,\"a\":1}}", "bundle.malformed")]
    [InlineData("{\"signatures\":[\"\\ud83d\"]}", "bundle.surrogate")]
    [InlineData("{\"\\ud83d\":1,\"signatures\":[]}", "bundle.surrogate")]
    [InlineData("{\"signatures\":[],\"x\":9007199254740993}", "bundle.number")]
    [InlineData("{\"signatures\":[],\"x\":1e999}", "bundle.number")]
    [InlineData("{\"x\":1e999}", "bundle.number")]
    [InlineData("{\"signatures\":[],\"policies\":[{\"id\":\"\\ud83d\",\"effect\":\"allow\"}]}", "bundle.surrogate")]
    [InlineData("{\"signatures\":[],\"policies\":[{\"id\":\"a\",\"effect\":\"allow\",\"match\":{\"\\ud83d\":1}}]}", "bundle.surrogate")]
    [InlineData("{\"signatures\":[],\"metadata\":{\"version\":\"\\udc00\"}}", "bundle.surrogate")]
    public void What_cannot_be_hashed_is_refused_alone(string json, string code)
    {
        Assert.Equal(code, Assert.Single(BundleReader.Read(Encoding.UTF8.GetBytes(json), BundleReadOptions.Default).Problems).Code);

        // So is it where it is large enough to be read and hashed at once.
        Assert.Equal(code, Assert.Single(BundleReader.Read(Encoding.UTF8.GetBytes(json + Blanks), BundleReadOptions.Default).Problems).Code);
    }

    [Fact]
    public void A_large_bundle_is_read_like_a_small_one()
    {
        var (small, large) = (Read(Encoding.UTF8.GetString(SomeBundle.Native)).Value!, Read(Encoding.UTF8.GetString(SomeBundle.Native) + Blanks).Value!);

        Assert.Equal(small.PolicyHash, large.PolicyHash);
        Assert.Equal(small.SignedDigest, large.SignedDigest);
        Assert.Equal(small.Rules.Select(rule => rule.Id), large.Rules.Select(rule => rule.Id));
        Assert.Equal("bundle.rule.effect", Assert.Single(Read(Encoding.UTF8.GetString(SomeBundle.OfRules("""[{"id":"a","effect":"maybe"}]""")) + Blanks).Problems).Code);
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        Assert.Equal("bundle.malformed", BundleReader.Read(new byte[] { 0xFF, 0xFE, 0x00 }, BundleReadOptions.Default).Problems[0].Code);
        Assert.Equal("bundle.malformed", BundleReader.Read(new byte[] { (byte)'{', (byte)'"', 0xC3, (byte)'"', (byte)':', (byte)'1', (byte)'}' }, BundleReadOptions.Default).Problems[0].Code);
    }

    [Fact]
    public void Every_prefix_of_a_bundle_is_refused_as_malformed()
    {
        for (var length = 0; length < SomeBundle.Native.Length - 1; length += 7)
        {
            Assert.Equal("bundle.malformed", BundleReader.Read(SomeBundle.Native.AsMemory(0, length), BundleReadOptions.ForTrial).Problems[0].Code);
        }
    }

    [Fact]
    public void Too_large_and_too_deep_are_refused_by_name()
    {
        Assert.Equal("bundle.too_large", BundleReader.Read(new byte[BundleLimits.SizeBytesMax + 1], BundleReadOptions.Default).Problems[0].Code);
        var deep = "{\"signatures\":" + new string('[', 64) + new string(']', 64) + "}";
        Assert.Equal("bundle.too_deep", Assert.Single(BundleReader.Read(Encoding.UTF8.GetBytes(deep), BundleReadOptions.Default).Problems).Code);
        Assert.Equal("bundle.too_deep", BundleReader.Read(Encoding.UTF8.GetBytes("{\"a\":" + new string('[', 5_000_000)), BundleReadOptions.Default).Problems[0].Code);
    }

    [Fact]
    public void Signatures_have_a_limit()
    {
        var signatures = string.Join(',', Enumerable.Repeat("""{"key_id":"k","algorithm":"ES256","sig":""}""", BundleLimits.SignaturesMax + 1));

        Assert.Equal("bundle.signature.list", Read(Encoding.UTF8.GetString(SomeBundle.OfRules("[{\"id\":\"a\",\"effect\":\"deny\"}]", others: $",\"signatures\":[{signatures}]"))).Problems.Single().Code);
    }

    [Fact]
    public void The_list_of_problems_ends_somewhere()
    {
        var rules = string.Join(',', Enumerable.Repeat("1", 10_000));

        Assert.Equal(BundleLimits.ProblemsMax, BundleReader.Read(SomeBundle.OfRules($"[{rules}]"), BundleReadOptions.ForTrial).Problems.Length);
    }

    [Fact]
    public void Strict_mode_refuses_unknown_fields_everywhere()
    {
        var json = SomeBundle.OfRules(
            """[{"id":"a","effect":"allow","x y":1},{"match":{"mine":1},"decision":{"action":"deny","x":1},"y":1},{"id":"b","effect":"allow","match":{"time_window":{"start":"1:00","end":"2:00","x":1}}}]""",
            metadata: ",\"color\":\"red\"", others: ",\"extra\":1");

        Assert.True(BundleReader.Read(json, BundleReadOptions.ForTrial).Succeeded);
        var strict = BundleReader.Read(json, new BundleReadOptions { AllowUnsigned = true, Strict = true });
        Assert.Equal(
            ["$.extra", "$.metadata.color", "$.policies[0][\"x y\"]", "$.policies[1].y", "$.policies[1].decision.x", "$.policies[1].match.mine", "$.policies[2].match.time_window.x"],
            strict.Problems.Select(p => p.Path));
        Assert.All(strict.Problems, p => Assert.Equal("bundle.unknown_field", p.Code));
    }

    [Fact]
    public void A_bare_list_of_rules_is_read_for_trying_only()
    {
        var list = """[{"match":{"intent_prefix":"a."},"decision":{"action":"allow"}}]"""u8.ToArray();

        Assert.Equal("bundle.malformed", BundleReader.Read(list, new BundleReadOptions { AllowUnsigned = true }).Problems[0].Code);
        var bundle = BundleReader.Read(list, BundleReadOptions.ForTrial).Value!;
        Assert.Equal((BundleForm.RuleList, "0.0.0", "rules"), (bundle.Form, bundle.Metadata.Version, bundle.Kind));
        Assert.Equal(CanonicalJson.Hash(CanonicalJson.Canonicalize(list)), bundle.PolicyHash);
        Assert.Equal("bundle.empty", BundleReader.Read("[]"u8.ToArray(), BundleReadOptions.ForTrial).Problems[0].Code);
    }

    [Fact]
    public void Form_follows_from_signature_then_from_kind_default_effect_or_signatures()
    {
        Assert.Equal(BundleForm.Unison, Read(Encoding.UTF8.GetString(SomeBundle.Minimal)).Value!.Form);
        Assert.Equal(BundleForm.Unison, BundleReader.FormOf(JsonElement.Parse("""{"signature":null,"signatures":[],"metadata":{"kind":"rules"}}""")));
        Assert.Equal(BundleForm.Native, BundleReader.FormOf(JsonElement.Parse("""{"metadata":{"default_effect":"deny"}}""")));
        Assert.Equal(BundleForm.Native, BundleReader.FormOf(JsonElement.Parse("""{"signatures":null}""")));
        Assert.Equal(BundleForm.Unison, BundleReader.FormOf(JsonElement.Parse("""{"metadata":3}""")));
    }

    [Fact]
    public void The_risk_policy_of_the_examples_is_a_document_whose_hash_any_program_can_compute()
    {
        var bundle = BundleReader.Read(Repository.Read("examples/risk-policy/policy.json"), new BundleReadOptions { AllowUnsigned = true, Strict = true }).Value!;

        // What the trading system itself computes over its own file with this content.
        Assert.Equal("7ff820b56b12d89d64dcb78a261a8062087cde3bc3d47e03e11037a4de354a7d", bundle.DocumentHash);
        Assert.NotEqual(bundle.DocumentHash, bundle.PolicyHash);
        Assert.Equal(10, bundle.Document.GetProperty("maxAccountLeverage").GetDouble());
        var rules = RuleSet.Compile(bundle).Value!;
        Assert.Equal((0, "default-deny"), (rules.Count, rules.Decide(new DecisionRequest("orders.read", default, default)).Reason));
    }

    [Fact]
    public void A_document_may_be_any_JSON()
    {
        const string before = """{"metadata":{"kind":"document","version":"1.0.0","issued_at":"2026-01-02T00:00:00Z","bundle_id":"b","issuer":"i"},"document":""";

        Assert.Equal(CanonicalJson.Hash("null"u8), Read(before + "null}").Value!.DocumentHash);
        Assert.Equal(CanonicalJson.Hash("[1,2]"u8), Read(before + "[1.0,2]}").Value!.DocumentHash);
    }

    private static Outcome<Bundle> Read(string json, BundleReadOptions? options = null) =>
        BundleReader.Read(Encoding.UTF8.GetBytes(json), options ?? BundleReadOptions.ForTrial);
}
