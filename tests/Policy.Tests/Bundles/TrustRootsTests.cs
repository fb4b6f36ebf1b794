using System.Security.Cryptography;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class TrustRootsTests
{
    // Made once: RSA keys take their time.
    private static readonly ECDsa A = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa B = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly RSA C = RSA.Create(3072);

    [Fact]
    public void A_sound_root_passes_and_keeps_its_keys()
    {
        var root = Root(1, 2, ("a", A), ("b", B), ("c", C));

        Assert.Equal(root, TrustRoots.Validate(root).Value);
        Assert.Equal(3, TrustRoots.Validate(root).Value!.Keys.Length);
    }

    [Fact]
    public void Everything_wrong_is_told_at_once()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var weak = RSA.Create(1024);
        var root = new TrustRoot
        {
            Version = 0,
            Threshold = 0,
            Signatures = [.. Enumerable.Repeat(new TrustSignature("a", ""), BundleLimits.SignaturesMax + 1)],
            Keys =
            [
                Key("a", A),
                Key("a", B),
                Key(" ", C),
                Key("private", A) with { PublicKeyPem = A.ExportPkcs8PrivateKeyPem() },
                Key("garbled", A) with { PublicKeyPem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----" },
                Key("empty", A) with { PublicKeyPem = null! },
                Key("crossed", C) with { Algorithm = SignatureAlgorithm.EcdsaKey },
                Key("ed", A) with { Algorithm = "Ed25519" },
                Key("p384", p384),
                Key("weak", weak),
            ],
        };

        Assert.Equal(
            [
                "trust.version $.version", "trust.signatures $.signatures", "trust.key_id_duplicate $.keys[1].key_id", "trust.key_id $.keys[2].key_id",
                "trust.key_private $.keys[3].public_key_pem", "trust.key_malformed $.keys[4].public_key_pem", "trust.key_malformed $.keys[5].public_key_pem",
                "trust.key_malformed $.keys[6].public_key_pem", "trust.algorithm $.keys[7].algorithm", "trust.key_curve $.keys[8].public_key_pem",
                "trust.key_weak $.keys[9].public_key_pem", "trust.threshold $.threshold",
            ],
            TrustRoots.Validate(root).Problems.Select(p => $"{p.Code} {p.Path}"));
    }

    [Fact]
    public void Nothing_is_neither_a_key_nor_a_signature()
    {
        Assert.Equal("trust.keys $.keys[1]", TrustRoots.Validate(new TrustRoot { Keys = [Key("a", A), null!] }).Problems.Select(p => $"{p.Code} {p.Path}").Single());
        Assert.Equal("trust.signatures", TrustRoots.Validate(Root(1, 1, ("a", A)) with { Signatures = [null!] }).Problems.Single().Code);
    }

    [Fact]
    public void A_root_has_some_keys_and_not_too_many()
    {
        Assert.Equal("trust.keys", TrustRoots.Validate(new TrustRoot { Keys = [] }).Problems[0].Code);
        Assert.Equal("trust.keys", TrustRoots.Validate(new TrustRoot { Keys = default, Signatures = default }).Problems[0].Code);
        Assert.Equal("trust.keys", TrustRoots.Validate(
            new TrustRoot { Keys = [.. Enumerable.Range(0, BundleLimits.KeysMax + 1).Select(i => Key($"k{i}", A))] }).Problems[0].Code);
    }

    [Fact]
    public void The_threshold_is_at_most_the_number_of_distinct_active_public_keys()
    {
        Assert.Equal("trust.threshold", TrustRoots.Validate(Root(1, 2, ("a", A), ("a2", A))).Problems.Single().Code);
        Assert.Equal("trust.threshold", TrustRoots.Validate(
            Root(1, 2) with { Keys = [Key("a", A), Key("b", B) with { State = TrustKeyState.Retired }] }).Problems.Single().Code);
        Assert.True(TrustRoots.Validate(Root(1, 2, ("a", A), ("a2", A), ("b", B))).Succeeded);
    }

    [Fact]
    public void The_next_root_is_signed_by_the_threshold_of_the_old_and_of_the_new()
    {
        var current = Root(1, 1, ("a", A));
        var next = Root(2, 2, ("b", B), ("c", C));

        Assert.Equal(["trust.locked", "trust.locked"], Codes(TrustRoots.Follow(current, next)));
        Assert.Equal(["trust.locked"], Codes(TrustRoots.Follow(current, TrustRoots.Sign(TrustRoots.Sign(next, "b", B), "c", C))));
        Assert.Equal(["trust.locked"], Codes(TrustRoots.Follow(current, TrustRoots.Sign(TrustRoots.Sign(next, "a", A), "b", B))));
        var signed = TrustRoots.Sign(TrustRoots.Sign(TrustRoots.Sign(next, "a", A), "b", B), "c", C);
        Assert.Equal(signed, TrustRoots.Follow(current, signed).Value);
    }

    [Fact]
    public void Signatures_survive_the_wire()
    {
        var signed = TrustRoots.Sign(Root(2, 1, ("a", A)), "a", A);
        var read = JsonSerializer.Deserialize<TrustRoot>(JsonSerializer.Serialize(signed, PolicyJson.Options), PolicyJson.Options)!;

        Assert.True(TrustRoots.Follow(Root(1, 1, ("a", A)), read).Succeeded);
        Assert.Equal(TrustRoots.Hash(signed), TrustRoots.Hash(read));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Versions_follow_one_another_without_gaps(int version) => Assert.Equal(
        ["trust.version"], Codes(TrustRoots.Follow(Root(1, 1, ("a", A)), TrustRoots.Sign(Root(version, 1, ("a", A)), "a", A))));

    [Fact]
    public void A_root_that_only_the_new_or_only_the_old_keys_signed_does_not_follow()
    {
        var (current, next) = (Root(1, 1, ("a", A)), Root(2, 1, ("b", B)));

        Assert.Equal(["trust.locked"], Codes(TrustRoots.Follow(current, TrustRoots.Sign(next, "b", B))));
        Assert.Equal(["trust.locked"], Codes(TrustRoots.Follow(current, TrustRoots.Sign(next, "a", A))));
    }

    [Fact]
    public void After_a_rotation_no_older_root_follows_however_well_it_was_signed()
    {
        var first = Root(1, 1, ("a", A));
        var second = TrustRoots.Sign(TrustRoots.Sign(Root(2, 1, ("b", B)), "a", A), "b", B);
        var third = TrustRoots.Sign(TrustRoots.Sign(Root(3, 1, ("b", B), ("c", C)), "b", B), "c", C);

        Assert.Contains("trust.version", Codes(TrustRoots.Follow(third, second)));
        Assert.Contains("trust.version", Codes(TrustRoots.Follow(third, third)));
        Assert.Contains("trust.version", Codes(TrustRoots.Follow(third, TrustRoots.Sign(first, "b", B))));

        // The retired key of the first root makes no fourth.
        Assert.Equal(["trust.locked", "trust.locked"], Codes(TrustRoots.Follow(third, TrustRoots.Sign(third with { Version = 4, Signatures = [] }, "a", A))));
    }

    [Fact]
    public void A_lower_threshold_needs_the_higher_one_to_agree()
    {
        var (current, next) = (Root(1, 2, ("a", A), ("b", B)), Root(2, 1, ("a", A), ("b", B)));

        Assert.Equal(["trust.locked"], Codes(TrustRoots.Follow(current, TrustRoots.Sign(next, "a", A))));
        Assert.True(TrustRoots.Follow(current, TrustRoots.Sign(TrustRoots.Sign(next, "a", A), "b", B)).Succeeded);
    }

    [Fact]
    public void The_same_signature_twice_signs_a_root_once()
    {
        var current = Root(1, 2, ("a", A), ("b", B));
        var next = TrustRoots.Sign(current with { Version = 2 }, "a", A);

        Assert.Equal(["trust.locked", "trust.locked"], Codes(TrustRoots.Follow(current, next with { Signatures = [.. next.Signatures, .. next.Signatures] })));
    }

    [Fact]
    public void A_signature_made_for_a_bundle_signs_no_root()
    {
        var next = Root(2, 1, ("a", A));
        var payload = CanonicalJson.Canonicalize(JsonSerializer.SerializeToUtf8Bytes(new { next.Version, next.Keys, next.Threshold }, PolicyJson.Options));
        TrustRoot Signed(string type) => next with
        {
            Signatures = [new TrustSignature("a", Convert.ToBase64String(A.SignData(Dsse.PreAuthenticationEncoding(type, payload), HashAlgorithmName.SHA256)))],
        };

        Assert.Equal(["trust.locked", "trust.locked"], Codes(TrustRoots.Follow(Root(1, 1, ("a", A)), Signed(Dsse.BundlePayloadType))));
        Assert.True(TrustRoots.Follow(Root(1, 1, ("a", A)), Signed(Dsse.TrustPayloadType)).Succeeded);
    }

    [Fact]
    public void A_key_whose_state_was_mended_after_signing_does_not_follow()
    {
        var next = Root(2, 1, ("b", B)) with { Keys = [Key("a", A) with { State = TrustKeyState.Compromised }, Key("b", B)] };
        var signed = TrustRoots.Sign(TrustRoots.Sign(next, "a", A), "b", B);

        Assert.True(TrustRoots.Follow(Root(1, 1, ("a", A)), signed).Succeeded);
        Assert.Contains("trust.locked", Codes(TrustRoots.Follow(Root(1, 1, ("a", A)), signed with { Keys = [Key("a", A), Key("b", B)] })));
    }

    [Fact]
    public void A_root_that_was_changed_after_signing_does_not_follow()
    {
        var signed = TrustRoots.Sign(Root(2, 1, ("a", A)), "a", A);

        Assert.Contains("trust.locked", Codes(TrustRoots.Follow(Root(1, 1, ("a", A)), signed with { Keys = signed.Keys.Add(Key("b", B)) })));
        Assert.NotEqual(TrustRoots.Hash(signed), TrustRoots.Hash(signed with { Threshold = 2 }));
        Assert.Equal(TrustRoots.Hash(signed), TrustRoots.Hash(signed with { Signatures = [] }));
    }

    [Fact]
    public void One_key_under_two_names_signs_a_root_once()
    {
        var current = Root(1, 2, ("a", A), ("a2", A), ("b", B));
        var next = TrustRoots.Sign(TrustRoots.Sign(current with { Version = 2 }, "a", A), "a2", A);

        Assert.Equal(["trust.locked", "trust.locked"], Codes(TrustRoots.Follow(current, next)));
    }

    [Fact]
    public void Keys_that_are_no_longer_active_do_not_sign_roots()
    {
        var current = Root(1, 1) with { Keys = [Key("a", A) with { State = TrustKeyState.Retired }, Key("b", B)] };
        var next = TrustRoots.Sign(current with { Version = 2, Signatures = [new TrustSignature(null!, null!), new TrustSignature("b", "?")] }, "a", A);

        Assert.Equal(["trust.locked", "trust.locked"], Codes(TrustRoots.Follow(current, next)));
    }

    [Fact]
    public void A_lone_compromised_key_can_still_be_replaced()
    {
        var current = Root(1, 1, ("a", A));
        var next = new TrustRoot { Version = 2, Keys = [Key("a", A) with { State = TrustKeyState.Compromised }, Key("b", B)] };

        Assert.True(TrustRoots.Follow(current, TrustRoots.Sign(TrustRoots.Sign(next, "a", A), "b", B)).Succeeded);
    }

    [Fact]
    public void A_root_that_is_not_sound_does_not_follow() =>
        Assert.Equal(["trust.keys"], Codes(TrustRoots.Follow(Root(1, 1, ("a", A)), new TrustRoot { Version = 2, Keys = [] })));

    private static IEnumerable<string> Codes(Outcome<TrustRoot> outcome) => outcome.Problems.Select(p => p.Code);

    private static TrustKey Key(string id, AsymmetricAlgorithm key) =>
        new(id, key is RSA ? SignatureAlgorithm.RsaKey : SignatureAlgorithm.EcdsaKey, key.ExportSubjectPublicKeyInfoPem());

    private static TrustRoot Root(int version, int threshold, params (string Id, AsymmetricAlgorithm Key)[] keys) =>
        new() { Version = version, Threshold = threshold, Keys = [.. keys.Select(k => Key(k.Id, k.Key))] };
}
