using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class UnisonBundleTests
{
    private static readonly JsonElement Originals = JsonElement.Parse(Repository.Read("tests/Policy.Tests/Vectors/unison.json"));
    private static readonly JsonElement[] Signed =
        [.. JsonElement.Parse(Repository.Read("tests/Policy.Tests/Vectors/unison-signed.json")).GetProperty("bundles").EnumerateArray()];

    public static TheoryData<string> StructureCases() =>
        [.. Originals.GetProperty("structure").EnumerateArray().Select(c => c.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(StructureCases))]
    public void The_first_problem_is_the_one_that_unison_names(string id)
    {
        var given = Originals.GetProperty("structure").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);

        var outcome = BundleReader.Read(Encoding.UTF8.GetBytes(given.GetProperty("bundle").GetRawText()), BundleReadOptions.Default);

        Assert.Equal(given.GetProperty("expected").GetString(), outcome.Problems.FirstOrDefault()?.Message);
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(2049)]
    [InlineData(3072)]
    public void A_bundle_signed_by_another_implementation_verifies_as_it_is(int bits)
    {
        var (json, root) = Find(bits, "max");

        var outcome = BundleVerifier.Verify(json, root, BundleReadOptions.Default);

        Assert.True(outcome.Succeeded, string.Join('\n', outcome.Problems));
        Assert.Equal("3966b9919ece34135571c554abe156528021fa4c48abbb0f4341a05eb8d0bcb8", outcome.Value.PolicyHash);
        Assert.Equal(BundleForm.Unison, outcome.Value.Form);
        Assert.Equal("2026.1", outcome.Value.Metadata.Version);
        Assert.Equal(["some-key"], outcome.Value.SignedBy);
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(2049)]
    [InlineData(3072)]
    public void A_shorter_salt_is_refused(int bits)
    {
        var (json, root) = Find(bits, "digest");

        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(json, root));
    }

    [Fact]
    public void Labels_inside_the_signature_are_not_inspected() => Assert.Empty(Change(2048, bundle =>
    {
        bundle["signature"]!["algorithm"] = "none";
        bundle["signature"]!["key_id"] = "whoever";
        bundle["signature"]!["more"] = 1;
    }));

    [Fact]
    public void What_was_changed_or_garbled_is_refused()
    {
        Assert.Equal(["bundle.hash_mismatch", "bundle.below_threshold"], Change(2048, bundle => bundle["more"] = 1));
        Assert.Equal(["bundle.hash_mismatch", "bundle.below_threshold"], Change(2048, bundle => bundle["signature"]!["hash"] = ((string)bundle["signature"]!["hash"]!).ToUpperInvariant()));
        Assert.Equal(["bundle.hash_mismatch", "bundle.below_threshold"], Change(2048, bundle => bundle["signature"] = new JsonObject { ["x"] = 1 }));
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Change(2048, bundle => bundle["signature"]!["signature_b64"] = "?"));
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Change(2048, bundle => bundle["signature"]!["signature_b64"] = "AAAA"));
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Change(2048, bundle => bundle["signature"]!["signature_b64"] = Convert.ToBase64String(Enumerable.Repeat((byte)0xFF, 256).ToArray())));
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Change(2048, bundle => bundle["signature"]!["signature_b64"] = Convert.ToBase64String(new byte[256])));
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Change(2049, bundle => bundle["signature"]!["signature_b64"] = Convert.ToBase64String([0, .. Enumerable.Repeat((byte)0x7F, 256)])));
    }

    [Fact]
    public void One_signature_does_not_reach_a_threshold_of_two_and_a_compromised_key_reaches_none()
    {
        var (json, root) = Find(2048, "max");

        Assert.Equal(["bundle.below_threshold"], Codes(json, root with { Threshold = 2 }));
        Assert.Equal(["bundle.key_compromised", "bundle.below_threshold"], Codes(json, root with { Keys = [root.Keys[0] with { State = TrustKeyState.Compromised }] }));
    }

    [Fact]
    public void A_key_for_ECDSA_verifies_no_unison_bundle()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var root = new TrustRoot { Keys = [new TrustKey("a", SignatureAlgorithm.EcdsaKey, key.ExportSubjectPublicKeyInfoPem())] };

        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(Find(2048, "max").Json, root));
    }

    [Fact]
    public void Policies_become_rules_with_the_id_as_prefix_and_a_list_matches_its_members()
    {
        var rules = RuleSet.Compile(BundleReader.Read(Find(2048, "max").Json, BundleReadOptions.Default).Value!).Value!;

        var echo = rules.Decide(new DecisionRequest("unison.echo.twice", default, new DateTimeOffset(2026, 1, 1, 23, 59, 59, TimeSpan.Zero)));
        Assert.Equal(new Decision(true, false, "Echo é", "unison.echo", null, null), echo);
        var write = rules.Decide(new DecisionRequest(
            "unison.storage.write", JsonElement.Parse("""{"safety_context":{"data_classification":"public"}}"""), DateTimeOffset.UnixEpoch));
        Assert.Equal(new Decision(false, true, "policy:unison.storage.write", "unison.storage.write", null, null), write);
    }

    [Theory]
    [InlineData("""{"metadata":{}}""", "bundle.metadata bundle.policies bundle.unsigned")]
    [InlineData("""{"metadata":{"bundle_id":1,"version":null,"issued_at":null},"policies":null,"signature":null}""", "bundle.metadata.version bundle.policies bundle.unsigned")]
    [InlineData("""{"metadata":{"bundle_id":null,"version":[],"issued_at":null},"policies":[],"signature":[1]}""", "bundle.metadata.version bundle.empty bundle.signature.type")]
    [InlineData("""{"metadata":{"bundle_id":1,"version":1.5,"issued_at":"2026-01-01T00:00:00+01:00"},"policies":[{"id":"a","effect":"block"},{"id":"","effect":"allow"},{"id":null,"effect":"deny"},{"id":"a","effect":"allow","conditions":null}],"signature":{}}""",
        "bundle.rule.effect bundle.rule.id_missing bundle.rule.id_missing bundle.rule.conditions bundle.unsigned")]
    [InlineData("""{"metadata":{"bundle_id":1,"version":"1","issued_at":1},"policies":[{"id":"a","effect":"deny","conditions":{"time_restrictions":{"start":"9"},"data_classification":[{}]}},{"id":"a","effect":"deny","conditions":{"time_restrictions":"09:00-17:00"}}],"signature":{"hash":""}}""",
        "bundle.rule.time_window bundle.rule.time_window bundle.rule.operand bundle.rule.time_window")]
    public void Everything_wrong_is_told_at_once(string json, string codes) =>
        Assert.Equal(codes, string.Join(' ', BundleReader.Read(Encoding.UTF8.GetBytes(json), BundleReadOptions.Default).Problems.Select(p => p.Code)));

    [Fact]
    public void Strict_mode_refuses_fields_that_nothing_reads()
    {
        const string json = """{"metadata":{"bundle_id":"b","version":"1","issued_at":"x"},"policies":[{"id":"a","effect":"allow","color":{}}],"more":1}""";
        var options = new BundleReadOptions { AllowUnsigned = true, Strict = true };

        Assert.Equal(["$.more", "$.policies[0].color"], BundleReader.Read(Encoding.UTF8.GetBytes(json), options).Problems.Select(p => p.Path));
        Assert.Equal("rule", BundleReader.Read(Encoding.UTF8.GetBytes(json.Replace("\"a\"", "\"rule\"", StringComparison.Ordinal)), BundleReadOptions.ForTrial).Value!.Rules[0].Id);
    }

    [Theory]
    [InlineData("""{"id":"a","effect":"allow","match":{"capability":"a"}}""")]
    [InlineData("""{"id":"a","effect":"allow","decision":{"action":"deny"}}""")]
    public void An_unsigned_bundle_of_native_rules_that_does_not_say_so_is_refused_rather_than_misread(string rule)
    {
        var json = $$"""{"metadata":{"bundle_id":"b","version":"1","issued_at":"x"},"policies":[{{rule}}]}""";

        Assert.Equal("bundle.rule.form", BundleReader.Read(Encoding.UTF8.GetBytes(json), BundleReadOptions.ForTrial).Problems.Single().Code);
        var signed = Encoding.UTF8.GetBytes(json[..^1] + ",\"signature\":{\"hash\":\"\"}}");
        Assert.Equal("a", BundleReader.Read(signed, BundleReadOptions.Default).Value!.Rules[0].Id);
    }

    [Fact]
    public void More_rules_than_the_limit_are_refused()
    {
        var rules = string.Join(',', Enumerable.Repeat("0", BundleLimits.RulesMax + 1));

        Assert.Equal("bundle.too_many_rules", BundleReader.Read(
            Encoding.UTF8.GetBytes($$"""{"metadata":{"bundle_id":"b","version":"1","issued_at":"x"},"policies":[{{rules}}]}"""), BundleReadOptions.ForTrial).Problems[0].Code);
        Assert.Equal("bundle.too_many_rules", BundleReader.Read(SomeBundle.OfRules($"[{rules}]"), BundleReadOptions.ForTrial).Problems[0].Code);
    }

    private static (byte[] Json, TrustRoot Root) Find(int bits, string salt)
    {
        var given = Signed.Single(b => b.GetProperty("bits").GetInt32() == bits && b.GetProperty("salt").GetString() == salt);
        return (
            Encoding.UTF8.GetBytes(given.GetProperty("bundle").GetString()!),
            new TrustRoot { Keys = [new TrustKey("some-key", SignatureAlgorithm.RsaKey, given.GetProperty("public_key_pem").GetString()!)] });
    }

    private static IEnumerable<string> Change(int bits, Action<JsonObject> change)
    {
        var (json, root) = Find(bits, "max");
        var bundle = JsonNode.Parse(json)!.AsObject();
        change(bundle);
        return Codes(Encoding.UTF8.GetBytes(bundle.ToJsonString()), root);
    }

    private static IEnumerable<string> Codes(byte[] json, TrustRoot root) =>
        BundleVerifier.Verify(json, root, BundleReadOptions.Default).Problems.Select(p => p.Code);
}
