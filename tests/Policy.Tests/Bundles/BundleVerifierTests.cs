using System.Security.Cryptography;
using System.Text;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class BundleVerifierTests
{
    // Made once: RSA keys take their time.
    private static readonly ECDsa Alice = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa Bob = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly RSA Carol = RSA.Create(3072);
    private static readonly RSA Dora = RSA.Create(2048);

    [Fact]
    public void What_was_signed_verifies_under_the_root_that_knows_the_key()
    {
        var outcome = BundleVerifier.Verify(Signed(("alice", Alice)), Root(1), BundleReadOptions.Default);

        Assert.True(outcome.Succeeded);
        Assert.Equal(["alice"], outcome.Value.SignedBy);
        Assert.Equal("1.0.0", outcome.Value.Metadata.Version);
    }

    [Fact]
    public void The_hash_is_the_same_whoever_signed_and_however_it_is_written()
    {
        var unsigned = BundleReader.Read(SomeBundle.Native, BundleReadOptions.ForTrial).Value!;

        Assert.Equal(unsigned.PolicyHash, BundleReader.Read(Signed(("alice", Alice), ("carol", Carol)), BundleReadOptions.Default).Value!.PolicyHash);
    }

    [Fact]
    public void ES256_and_PS256_together_reach_a_threshold_of_two()
    {
        Assert.Empty(Codes(Signed(("alice", Alice), ("carol", Carol)), Root(2)));
        Assert.Equal(["bundle.below_threshold"], Codes(Signed(("alice", Alice)), Root(2)));
    }

    [Fact]
    public void The_threshold_counts_public_keys_and_not_their_names()
    {
        var root = Root(2) with { Keys = Root(2).Keys.Add(Key("alice-again", Alice)) };

        Assert.Equal(["bundle.below_threshold"], Codes(Signed(("alice", Alice), ("alice-again", Alice)), root));
        Assert.Empty(Codes(Signed(("alice", Alice), ("alice-again", Alice), ("bob", Bob)), root));
    }

    [Fact]
    public void The_same_signature_twice_counts_once()
    {
        var twice = Edit(Signed(("alice", Alice)), "\"signatures\": [", "\"signatures\": [" + OneSignature(Signed(("alice", Alice))) + ",");

        Assert.Equal(["bundle.below_threshold"], Codes(twice, Root(2)));
        Assert.Empty(Codes(twice, Root(1)));
    }

    [Fact]
    public void An_unknown_key_is_refused_even_beside_enough_good_ones() =>
        Assert.Equal(["bundle.key_unknown"], Codes(Signed(("alice", Alice), ("mallory", Bob)), Root(1)));

    [Fact]
    public void Another_key_under_a_known_name_is_refused() =>
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(Signed(("alice", Bob)), Root(1)));

    [Theory]
    [InlineData("reading is open", "reading is closed")]
    [InlineData("\"1.0.0\"", "\"1.0.1\"")]
    [InlineData("100", "1000")]
    public void Content_that_was_changed_after_signing_is_refused(string before, string after) =>
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(Edit(Signed(("alice", Alice)), before, after), Root(1)));

    [Theory]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("not base64!")]
    public void A_signature_that_is_cut_or_garbled_is_refused(string sig)
    {
        foreach (var (id, key) in new (string, AsymmetricAlgorithm)[] { ("alice", Alice), ("carol", Carol) })
        {
            var signed = Signed((id, key));
            var original = BundleReader.Read(signed, BundleReadOptions.Default).Value!.Signatures[0].Sig;

            Assert.Contains("bundle.signature_invalid", Codes(Edit(signed, original, sig), Root(1)));
            Assert.Contains("bundle.signature_invalid", Codes(Edit(signed, original, original[..^8]), Root(1)));
        }
    }

    [Fact]
    public void A_signature_of_one_algorithm_cannot_pass_for_another() =>
        Assert.Equal(["bundle.key_unfit", "bundle.below_threshold"], Codes(Edit(Signed(("alice", Alice)), "ES256", "PS256"), Root(1)));

    [Fact]
    public void RSA_below_3072_bits_signs_no_native_bundle()
    {
        Assert.Throws<ArgumentException>(() => Signed(("dora", Dora)));
        Assert.Equal(["bundle.key_unfit", "bundle.below_threshold"], Codes(Edit(Signed(("carol", Carol)), "carol", "dora"), Root(1)));
    }

    [Fact]
    public void What_a_retired_key_signed_is_served_but_nothing_new_is_published()
    {
        var root = WithState("alice", TrustKeyState.Retired);

        Assert.Empty(Codes(Signed(("alice", Alice)), root, SigningUse.Serve));
        Assert.Equal(["bundle.key_retired", "bundle.below_threshold"], Codes(Signed(("alice", Alice)), root));
        Assert.Empty(Codes(Signed(("alice", Alice), ("bob", Bob)), root));
    }

    [Fact]
    public void What_a_compromised_key_signed_counts_nowhere()
    {
        var root = WithState("alice", TrustKeyState.Compromised);

        Assert.Equal(["bundle.key_compromised", "bundle.below_threshold"], Codes(Signed(("alice", Alice)), root));
        Assert.Equal(["bundle.key_compromised", "bundle.below_threshold"], Codes(Signed(("alice", Alice)), root, SigningUse.Serve));
        Assert.Empty(Codes(Signed(("alice", Alice), ("bob", Bob)), root));
    }

    [Fact]
    public void A_key_that_is_compromised_under_one_name_is_so_under_all()
    {
        var root = WithState("alice", TrustKeyState.Compromised);

        Assert.Contains("bundle.key_compromised", Codes(Signed(("still-good", Alice)), root with { Keys = root.Keys.Add(Key("still-good", Alice)) }));
    }

    [Fact]
    public void An_unsigned_bundle_is_refused_whatever_the_options_say()
    {
        Assert.Equal(["bundle.unsigned"], BundleVerifier.Verify(SomeBundle.Native, Root(1), BundleReadOptions.ForTrial).Problems.Select(p => p.Code));
        Assert.Equal(["bundle.unsigned"], Codes(Edit(SomeBundle.Native, "\"policies\"", "\"signatures\": [], \"policies\""), Root(1)));

        var trial = BundleReader.Read(SomeBundle.Native, BundleReadOptions.ForTrial).Value!;
        Assert.Equal("bundle.unsigned", BundleVerifier.Verify(trial, Root(1)).Problems[0].Code);
    }

    [Fact]
    public void A_root_that_is_not_sound_verifies_nothing()
    {
        Assert.Equal(["trust.threshold"], Codes(Signed(("alice", Alice)), Root(0)));
        Assert.Equal(["trust.key_malformed"], Codes(Signed(("alice", Alice)), Root(1) with { Keys = [Key("alice", Alice) with { PublicKeyPem = "no key" }] }));
    }

    [Fact]
    public void Signing_again_with_the_same_key_replaces_its_signature()
    {
        var bundle = BundleReader.Read(Signed(("alice", Alice), ("bob", Bob), ("alice", Alice)), BundleReadOptions.Default).Value!;

        Assert.Equal(["bob", "alice"], bundle.Signatures.Select(s => s.KeyId));
    }

    [Fact]
    public void Only_well_formed_native_bundles_are_signed()
    {
        Assert.StartsWith("bundle.malformed", Assert.Throws<FormatException>(() => BundleSigner.Sign("[]"u8.ToArray(), "alice", Alice)).Message, StringComparison.Ordinal);
        Assert.StartsWith("bundle.empty", Assert.Throws<FormatException>(() => BundleSigner.Sign(Edit(SomeBundle.Minimal, "[{\"id\":\"a\",\"effect\":\"allow\"}]", "[]"), "alice", Alice)).Message, StringComparison.Ordinal);
        var unison = BundleSigner.TrySign(Edit(SomeBundle.Minimal, "\"policies\"", "\"signature\":{\"hash\":\"\"},\"policies\""), "alice", Alice);
        Assert.Equal("bundle.signature.form", unison.Problems[0].Code);
    }

    [Fact]
    public void Signing_makes_a_bundle_native_that_does_not_say_what_it_is() =>
        Assert.Empty(Codes(BundleSigner.Sign(SomeBundle.Minimal, "alice", Alice), Root(1)));

    [Fact]
    public void Keys_of_other_curves_do_not_sign()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<ArgumentException>(() => Signed(("alice", p384)));
    }

    [Fact]
    public void The_pre_authentication_encoding_is_that_of_DSSE() => Assert.Equal(
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
        Encoding.UTF8.GetString(Dsse.PreAuthenticationEncoding("http://example.com/HelloWorld", "hello world"u8)));

    [Fact]
    public void A_bundles_record_holds_what_the_catalog_shows()
    {
        var at = new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero);
        var bundle = BundleVerifier.Verify(Signed(("alice", Alice)), Root(1), BundleReadOptions.Default).Value!;

        Assert.Equal(
            new BundleRecord
            {
                Version = "1.0.0",
                PolicyHash = bundle.PolicyHash,
                BundleId = "gateway",
                Kind = "rules",
                Rules = 2,
                Issuer = "tests",
                IssuedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
                PublishedAt = at,
                PublishedBy = "ada",
                Size = 7,
            },
            bundle.ToRecord(at, "ada", 7));
    }

    private static byte[] Signed(params (string Id, AsymmetricAlgorithm Key)[] signers) =>
        signers.Aggregate(SomeBundle.Native, (json, signer) => BundleSigner.Sign(json, signer.Id, signer.Key));

    private static IEnumerable<string> Codes(byte[] json, TrustRoot root, SigningUse use = SigningUse.Publish) =>
        BundleVerifier.Verify(json, root, BundleReadOptions.Default, use).Problems.Select(p => p.Code);

    private static byte[] Edit(byte[] json, string before, string after)
    {
        var text = Encoding.UTF8.GetString(json);
        Assert.Contains(before, text, StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(text.Replace(before, after, StringComparison.Ordinal));
    }

    private static string OneSignature(byte[] signed)
    {
        var signature = BundleReader.Read(signed, BundleReadOptions.Default).Value!.Signatures[0];
        return $$"""{"key_id":"{{signature.KeyId}}","algorithm":"{{signature.Algorithm}}","sig":"{{signature.Sig}}"}""";
    }

    private static TrustKey Key(string id, AsymmetricAlgorithm key) =>
        new(id, key is RSA ? SignatureAlgorithm.RsaKey : SignatureAlgorithm.EcdsaKey, key.ExportSubjectPublicKeyInfoPem());

    private static TrustRoot WithState(string id, TrustKeyState state) =>
        Root(1) with { Keys = [.. Root(1).Keys.Select(k => k.KeyId == id ? k with { State = state } : k)] };

    private static TrustRoot Root(int threshold) =>
        new() { Threshold = threshold, Keys = [Key("alice", Alice), Key("bob", Bob), Key("carol", Carol), Key("dora", Dora)] };
}
