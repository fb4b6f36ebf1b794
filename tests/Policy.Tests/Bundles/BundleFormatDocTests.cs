using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

/// <summary>Follows the worked example of docs/BUNDLE_FORMAT.md step by step, from the blocks that stand there.</summary>
public sealed partial class BundleFormatDocTests
{
    [Fact]
    public void The_canonical_form_the_encoding_and_both_hashes_are_as_printed()
    {
        Assert.Equal(BundleFormatPage.Canonical, Encoding.UTF8.GetString(CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(BundleFormatPage.Bundle))));
        Assert.Equal(267, Encoding.UTF8.GetByteCount(BundleFormatPage.Canonical));
        Assert.Equal(BundleFormatPage.PolicyHash, CanonicalJson.Hash(Encoding.UTF8.GetBytes(BundleFormatPage.Canonical)));
        Assert.Equal(
            BundleFormatPage.Encoded, Dsse.PreAuthenticationEncoding(Dsse.BundlePayloadType, Encoding.UTF8.GetBytes(BundleFormatPage.Canonical)));
        Assert.Equal(327, BundleFormatPage.Encoded.Length);
        Assert.Equal(BundleFormatPage.EncodedHash, Convert.ToHexStringLower(SHA256.HashData(BundleFormatPage.Encoded)));
    }

    [Fact]
    public void The_printed_keys_are_one_pair()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(BundleFormatPage.PrivatePem);

        Assert.Equal(BundleFormatPage.PublicPem.Trim(), key.ExportSubjectPublicKeyInfoPem());
    }

    [Fact]
    public void The_printed_signature_verifies_by_itself_and_on_the_bundle()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(BundleFormatPage.PublicPem);
        Assert.True(key.VerifyData(
            BundleFormatPage.Encoded, Convert.FromBase64String((string)BundleFormatPage.Signature["sig"]!), HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation));

        var signed = JsonNode.Parse(BundleFormatPage.Bundle)!;
        signed["signatures"] = new JsonArray(BundleFormatPage.Signature);
        var root = new TrustRoot { Keys = [new TrustKey("docs", SignatureAlgorithm.EcdsaKey, BundleFormatPage.PublicPem)] };
        var outcome = BundleVerifier.Verify(Encoding.UTF8.GetBytes(signed.ToJsonString()), root, new BundleReadOptions { Strict = true });

        Assert.True(outcome.Succeeded, string.Join('\n', outcome.Problems));
        Assert.Equal(BundleFormatPage.PolicyHash, outcome.Value.PolicyHash);
    }

    [Fact]
    public void Every_code_that_is_documented_exists_and_every_code_that_exists_is_documented()
    {
        var documented = Encoding.UTF8.GetString([.. Repository.Read("docs/BUNDLE_FORMAT.md"), .. Repository.Read("docs/RULES.md")]);
        var sources = string.Concat(Repository.SourcesUnder("src/Policy/Bundles").Concat(Repository.SourcesUnder("src/Policy/Decisions")));
        var written = Code().Matches(sources).Select(m => m.Groups[1].Value).Where(c => !c.EndsWith('.') && !c.EndsWith('_')).ToHashSet();

        Assert.All(written, code => Assert.True(
            documented.Contains($"`{code}`", StringComparison.Ordinal)
            || (code.StartsWith("bundle.metadata.", StringComparison.Ordinal) && documented.Contains("`bundle.metadata.FIELD`", StringComparison.Ordinal)), code));

        // Some codes are put together from a fixed beginning and a word: then the word stands in the sources.
        Assert.All(DocumentedCode().Matches(documented).Select(m => m.Groups[1].Value).Except(["bundle.metadata.FIELD"]), code => Assert.True(
            written.Contains(code) || sources.Contains($"\"{code[(code.LastIndexOf('.') + 1)..]}\"", StringComparison.Ordinal), code));
    }

    [Fact]
    public void The_rule_of_the_rules_page_is_a_rule()
    {
        var rules = Encoding.UTF8.GetString(Repository.Read("docs/RULES.md"));
        var rule = Block().Match(rules).Groups[1].Value;
        Assert.Equal("payments-refund-medium", JsonElement.Parse(rule).GetProperty("id").GetString());

        var bundle = BundleReader.Read(
            SomeBundle.OfRules($"[{rule}]", others: ",\"data\":{\"networks\":{\"blocked\":[\"10.0.0.0/8\"]}}"),
            new BundleReadOptions { AllowUnsigned = true, Strict = true });

        Assert.True(bundle.Succeeded, string.Join('\n', bundle.Problems));
    }

    [GeneratedRegex("```(?:json|text|pem)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("\"((?:bundle|trust)\\.[a-z_.]+)\"")]
    private static partial Regex Code();

    [GeneratedRegex("`((?:bundle|trust)\\.[A-Za-z_.]+)`")]
    private static partial Regex DocumentedCode();
}
