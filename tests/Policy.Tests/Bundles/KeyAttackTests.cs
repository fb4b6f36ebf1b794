using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

/// <summary>What somebody without the keys, or with too few of them, would try on a bundle.</summary>
public sealed class KeyAttackTests
{
    // The order of P-256 (FIPS 186-5).
    private static readonly BigInteger Order = BigInteger.Parse("0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", System.Globalization.NumberStyles.HexNumber);

    // Made once: RSA keys take their time.
    private static readonly ECDsa Alice = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa Bob = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly RSA Carol = RSA.Create(3072);

    private static TrustRoot Root(int threshold = 1) => new() { Threshold = threshold, Keys = [Key("alice", Alice), Key("bob", Bob), Key("carol", Carol)] };

    [Fact]
    public void Two_different_signatures_by_one_key_count_once()
    {
        var (first, second) = (Signature("alice", Alice), Signature("alice", Alice));
        Assert.NotEqual((string)first["sig"]!, (string)second["sig"]!);

        Assert.Equal(["bundle.below_threshold"], Codes(With(first, second), Root(2)));
    }

    [Fact]
    public void One_key_whose_PEM_is_written_in_two_ways_counts_once()
    {
        var rewritten = Key("alice-crlf", Alice) with { PublicKeyPem = "Some words before.\r\n" + Alice.ExportSubjectPublicKeyInfoPem().ReplaceLineEndings("\r\n") };
        var root = Root(2) with { Keys = [Key("alice", Alice), rewritten, Key("bob", Bob)] };

        Assert.Equal(["bundle.below_threshold"], Codes(With(Signature("alice", Alice), Signature("alice-crlf", Alice)), root));
    }

    [Fact]
    public void A_key_that_the_bundle_brings_along_is_not_used()
    {
        using var mallory = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signature = Signature("mallory", mallory);
        signature["public_key_pem"] = mallory.ExportSubjectPublicKeyInfoPem();

        Assert.Equal(["bundle.key_unknown", "bundle.below_threshold"], Codes(With(signature), Root()));
    }

    [Theory]
    [InlineData("Alice")]
    [InlineData("alice ")]
    [InlineData("al\u0456ce")]
    public void A_key_id_is_compared_to_the_letter(string keyId) =>
        Assert.Equal(["bundle.key_unknown", "bundle.below_threshold"], Codes(With(Signature(keyId, Alice)), Root()));

    [Fact]
    public void Neither_algorithm_passes_for_the_other()
    {
        var (es, ps) = (Signature("alice", Alice), Signature("carol", Carol));
        (es["algorithm"], ps["algorithm"]) = ("PS256", "ES256");

        Assert.Equal(["bundle.key_unfit", "bundle.below_threshold"], Codes(With(es), Root()));
        Assert.Equal(["bundle.key_unfit", "bundle.below_threshold"], Codes(With(ps), Root()));

        // Nor does a signature of one under a key of the other that carries its name.
        (es["algorithm"], es["key_id"]) = ("PS256", "carol");
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(With(es), Root()));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES384")]
    [InlineData("es256")]
    [InlineData("")]
    public void Other_algorithms_are_refused_by_name(string algorithm)
    {
        var signature = Signature("alice", Alice);
        signature["algorithm"] = algorithm;

        Assert.Equal(["bundle.signature.algorithm"], Codes(With(signature), Root()));
    }

    [Fact]
    public void The_twin_of_an_ECDSA_signature_changes_neither_the_hash_nor_the_count()
    {
        // (r, n - s) verifies where (r, s) does; nothing here may rest on a signature's bytes.
        var one = Signature("alice", Alice);
        var twin = Altered(one, bytes =>
        {
            var s = Order - new BigInteger(bytes.AsSpan(32), isUnsigned: true, isBigEndian: true);
            bytes.AsSpan(32).Clear();
            s.TryWriteBytes(bytes.AsSpan(64 - s.GetByteCount(isUnsigned: true)), out _, isUnsigned: true, isBigEndian: true);
            return bytes;
        });

        Assert.Equal(Read(With(one)).PolicyHash, Read(With(twin)).PolicyHash);
        Assert.Empty(Codes(With(twin), Root()));
        Assert.Equal(["bundle.below_threshold"], Codes(With(one, twin), Root(2)));
    }

    [Fact]
    public void A_DER_signature_is_refused_where_r_and_s_are_expected() => Refused(Altered(Signature("alice", Alice), bytes =>
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(bytes.AsSpan(0, 32).TrimStart((byte)0));
            writer.WriteIntegerUnsigned(bytes.AsSpan(32).TrimStart((byte)0));
        }

        return writer.Encode();
    }));

    [Fact]
    public void Signatures_out_of_the_curves_range_are_refused()
    {
        var order = Order.ToByteArray(isUnsigned: true, isBigEndian: true);
        byte[] one = [.. new byte[31], 1];
        foreach (var bytes in new byte[][] { new byte[64], [.. order, .. order], [.. order, .. one], [.. one, .. order], [.. one, .. new byte[32]], [.. new byte[32], .. one] })
        {
            Refused(Altered(Signature("alice", Alice), _ => bytes));
        }
    }

    [Fact]
    public void Signatures_of_another_length_are_refused()
    {
        foreach (var signature in new[] { Signature("alice", Alice), Signature("carol", Carol) })
        {
            Refused(Altered(signature, _ => []));
            Refused(Altered(signature, bytes => bytes[..^1]));
            Refused(Altered(signature, bytes => [.. bytes, 0]));
            Refused(Altered(signature, bytes => [0, .. bytes]));
            Refused(Altered(signature, bytes => [.. bytes, .. bytes]));
        }
    }

    [Fact]
    public void A_signature_with_any_bit_turned_is_refused()
    {
        foreach (var signature in new[] { Signature("alice", Alice), Signature("carol", Carol) })
        {
            for (var bit = 0; bit < 512; bit += 37)
            {
                Refused(Altered(signature, bytes =>
                {
                    bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                    return bytes;
                }));
            }
        }
    }

    [Fact]
    public void RSA_signatures_of_other_schemes_are_refused()
    {
        var digest = SHA256.HashData(Encoding());
        Refused(Altered(Signature("carol", Carol), _ => Carol.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
        Refused(Altered(Signature("carol", Carol), _ => Carol.SignData(Encoding(), HashAlgorithmName.SHA512, RSASignaturePadding.Pss)));

        // Signed as unison signs: over the hash's letters.
        Refused(Altered(Signature("carol", Carol), _ => Carol.SignData(
            System.Text.Encoding.ASCII.GetBytes(Read(With(Signature("carol", Carol))).PolicyHash), HashAlgorithmName.SHA256, RSASignaturePadding.Pss)));
    }

    [Fact]
    public void A_signature_over_the_bare_content_or_its_bare_hash_is_refused()
    {
        var payload = CanonicalJson.Canonicalize(SomeBundle.Native);
        Refused(Altered(Signature("alice", Alice), _ => Alice.SignData(payload, HashAlgorithmName.SHA256)));
        Refused(Altered(Signature("alice", Alice), _ => Alice.SignData(SHA256.HashData(payload), HashAlgorithmName.SHA256)));
    }

    [Fact]
    public void A_signature_made_for_a_trust_root_is_refused_on_a_bundle() => Refused(Altered(
        Signature("alice", Alice), _ => Alice.SignData(Encoding(Dsse.TrustPayloadType), HashAlgorithmName.SHA256)));

    [Fact]
    public void A_signature_of_another_bundle_is_refused()
    {
        var other = SomeBundle.OfRules("""[{"id":"a","effect":"allow"}]""");
        var signature = JsonNode.Parse(BundleSigner.Sign(other, "alice", Alice))!["signatures"]![0]!.DeepClone();

        Refused(signature.AsObject());
    }

    [Fact]
    public void Signatures_that_stand_elsewhere_are_none()
    {
        var signed = JsonNode.Parse(With(Signature("alice", Alice)))!;
        var list = signed["signatures"]!.DeepClone();
        signed.AsObject().Remove("signatures");
        signed["metadata"]!["signatures"] = list;
        Assert.Equal(["bundle.unsigned"], Codes(Bytes(signed), Root()));

        signed["signatures"] = new JsonArray(list.DeepClone());
        Assert.Equal(["bundle.signature.fields"], Codes(Bytes(signed), Root()));

        // And back at their place they do not cover the copy in the metadata.
        signed["signatures"] = list.DeepClone();
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(Bytes(signed), Root()));
    }

    [Theory]
    [InlineData("signatures")]
    [InlineData("sign\\u0061tures")]
    public void Signatures_twice_in_one_bundle_are_malformed(string name)
    {
        var text = System.Text.Encoding.UTF8.GetString(With(Signature("alice", Alice)));

        Assert.Equal(["bundle.malformed"], Codes(System.Text.Encoding.UTF8.GetBytes($$"""{"{{name}}":[],{{text[1..]}}"""), Root()));
    }

    [Fact]
    public void Unisons_form_beside_ours_gets_nobody_past_our_signatures()
    {
        // With a signature at the top the file is unison's, and what signs it is unison's alone.
        var both = JsonNode.Parse(With(Signature("carol", Carol)))!;
        both["signature"] = new JsonObject { ["hash"] = Read(With(Signature("carol", Carol))).PolicyHash, ["signature_b64"] = (string)both["signatures"]![0]!["sig"]! };

        Assert.Equal(["bundle.hash_mismatch", "bundle.below_threshold"], Codes(Bytes(both), Root()));
    }

    [Fact]
    public void A_bundle_that_was_signed_before_a_key_was_retired_is_served_and_one_signed_after_is_not_published()
    {
        var root = Root() with { Keys = [Key("alice", Alice) with { State = TrustKeyState.Retired }, Key("bob", Bob)] };

        Assert.Empty(Codes(With(Signature("alice", Alice)), root, SigningUse.Serve));
        Assert.Equal(["bundle.key_retired", "bundle.below_threshold"], Codes(With(Signature("alice", Alice)), root));
    }

    [Fact]
    public void A_key_that_is_retired_under_one_id_publishes_under_none()
    {
        var root = Root() with { Keys = [Key("alice", Alice) with { State = TrustKeyState.Retired }, Key("alice-new", Alice), Key("bob", Bob)] };

        Assert.Equal(["bundle.key_retired", "bundle.below_threshold"], Codes(With(Signature("alice-new", Alice)), root));
    }

    [Fact]
    public void A_compromised_key_beside_enough_good_ones_takes_nothing_from_them()
    {
        var root = Root() with { Keys = [Key("alice", Alice) with { State = TrustKeyState.Compromised }, Key("bob", Bob), Key("carol", Carol)] };

        Assert.Empty(Codes(With(Signature("alice", Alice), Signature("bob", Bob)), root));
        Assert.Equal(["bundle.key_compromised", "bundle.below_threshold"], Codes(With(Signature("alice", Alice), Signature("bob", Bob)), root with { Threshold = 2 }));
    }

    [Fact]
    public void A_bad_signature_beside_enough_good_ones_refuses_the_bundle() => Assert.Equal(
        ["bundle.signature_invalid"], Codes(With(Signature("alice", Alice), Altered(Signature("bob", Bob), _ => new byte[64])), Root()));

    [Fact]
    public void Keys_that_prove_too_little_or_cost_too_much_are_refused()
    {
        var modulus = Carol.ExportParameters(includePrivateParameters: false).Modulus!;
        Assert.NotNull(CodeOf(Rsa(modulus, [1])));
        Assert.Equal("trust.key_weak", CodeOf(Rsa(modulus, [1, 0, 0, 0, 1])));
        Assert.Null(CodeOf(Rsa(modulus, [3])));
        Assert.Equal("trust.key_large", CodeOf(Rsa([0xC1, .. new byte[1023], 0x01], [1, 0, 1])));
        Assert.Equal("trust.key_weak", CodeOf(Rsa([0xC1, .. new byte[126], 0x01], [1, 0, 1])));
        Assert.Equal("trust.key_weak", CodeOf(Rsa([0x41, .. new byte[254], 0x01], [1, 0, 1])));
    }

    [Fact]
    public void What_is_no_single_public_key_is_refused()
    {
        var pem = Alice.ExportSubjectPublicKeyInfoPem();
        using var p521 = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        Assert.Equal("trust.key_malformed", CodeOf(SignatureAlgorithm.EcdsaKey, pem + "\n" + Bob.ExportSubjectPublicKeyInfoPem()));
        Assert.Equal("trust.key_malformed", CodeOf(SignatureAlgorithm.EcdsaKey, pem.Replace("PUBLIC KEY", "CERTIFICATE", StringComparison.Ordinal)));
        Assert.Equal("trust.key_malformed", CodeOf(SignatureAlgorithm.RsaKey, pem));
        Assert.Equal("trust.key_malformed", CodeOf(SignatureAlgorithm.EcdsaKey, Carol.ExportSubjectPublicKeyInfoPem()));
        Assert.Equal("trust.key_private", CodeOf(SignatureAlgorithm.EcdsaKey, Alice.ExportECPrivateKeyPem()));
        Assert.Equal("trust.key_curve", CodeOf(SignatureAlgorithm.EcdsaKey, p521.ExportSubjectPublicKeyInfoPem()));

        // A curve that nobody knows, and a point that is not on the curve.
        var der = Alice.ExportSubjectPublicKeyInfo();
        der[17] = 0x4C;
        Assert.Equal("trust.key_curve", CodeOf(SignatureAlgorithm.EcdsaKey, PemEncoding.WriteString("PUBLIC KEY", der)));
        der = Alice.ExportSubjectPublicKeyInfo();
        der[^1] ^= 1;
        Assert.Equal("trust.key_malformed", CodeOf(SignatureAlgorithm.EcdsaKey, PemEncoding.WriteString("PUBLIC KEY", der)));
    }

    private static string? CodeOf(RSAParameters parameters)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(parameters.Modulus);
            writer.WriteIntegerUnsigned(parameters.Exponent);
        }

        return CodeOf(SignatureAlgorithm.RsaKey, PemEncoding.WriteString("RSA PUBLIC KEY", writer.Encode()));
    }

    private static string? CodeOf(string algorithm, string pem)
    {
        var outcome = TrustRoots.Validate(new TrustRoot { Keys = [new TrustKey("k", algorithm, pem)] });
        return outcome.Succeeded ? null : outcome.Problems[0].Code;
    }

    private static RSAParameters Rsa(byte[] modulus, byte[] exponent) => new() { Modulus = modulus, Exponent = exponent };

    private static void Refused(JsonObject signature)
    {
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(With(signature), Root()));
        Assert.Equal(["bundle.signature_invalid", "bundle.below_threshold"], Codes(With(signature), Root(), SigningUse.Serve));
    }

    private static byte[] Encoding(string type = Dsse.BundlePayloadType) => Dsse.PreAuthenticationEncoding(type, CanonicalJson.Canonicalize(SomeBundle.Native));

    /// <summary>A signature over <see cref="SomeBundle.Native"/>.</summary>
    private static JsonObject Signature(string keyId, AsymmetricAlgorithm key) =>
        JsonNode.Parse(BundleSigner.Sign(SomeBundle.Native, keyId, key))!["signatures"]![0]!.DeepClone().AsObject();

    private static JsonObject Altered(JsonObject signature, Func<byte[], byte[]> alter)
    {
        var altered = signature.DeepClone().AsObject();
        altered["sig"] = Convert.ToBase64String(alter(Convert.FromBase64String((string)signature["sig"]!)));
        return altered;
    }

    private static byte[] With(params JsonObject[] signatures)
    {
        var bundle = JsonNode.Parse(SomeBundle.Native)!;
        bundle["signatures"] = new JsonArray([.. signatures.Select(s => s.DeepClone())]);
        return Bytes(bundle);
    }

    private static byte[] Bytes(JsonNode node) => System.Text.Encoding.UTF8.GetBytes(node.ToJsonString());

    private static Bundle Read(byte[] json) => BundleReader.Read(json, BundleReadOptions.Default).Value!;

    private static IEnumerable<string> Codes(byte[] json, TrustRoot root, SigningUse use = SigningUse.Publish) =>
        BundleVerifier.Verify(json, root, BundleReadOptions.Default, use).Problems.Select(p => p.Code);

    private static TrustKey Key(string id, AsymmetricAlgorithm key) =>
        new(id, key is RSA ? SignatureAlgorithm.RsaKey : SignatureAlgorithm.EcdsaKey, key.ExportSubjectPublicKeyInfoPem());
}
