using System.Security.Cryptography;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class BundleVerifierTests : IDisposable
{
    private readonly ECDsa alice = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa bob = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly RSA carol = RSA.Create(3072);

    [Fact]
    public void What_was_signed_verifies_under_the_root_that_knows_the_key()
    {
        var outcome = BundleVerifier.Verify(Signed(("alice", alice)), Root(1), BundleReadOptions.Default);

        Assert.True(outcome.Succeeded);
        Assert.Equal(["alice"], outcome.Value.SignedBy);
        Assert.Equal("1.0.0", outcome.Value.Metadata.Version);
        Assert.Equal(64, outcome.Value.PolicyHash.Length);
    }

    [Fact]
    public void ES256_and_PS256_together_reach_a_threshold_of_two()
    {
        Assert.True(BundleVerifier.Verify(Signed(("alice", alice), ("carol", carol)), Root(2), BundleReadOptions.Default).Succeeded);
        Assert.Equal(["bundle.below_threshold"], Codes(Signed(("alice", alice)), Root(2)));
    }

    private static byte[] Signed(params (string Id, AsymmetricAlgorithm Key)[] signers) =>
        signers.Aggregate(SomeBundle.Native, (json, signer) => BundleSigner.Sign(json, signer.Id, signer.Key));

    private static IEnumerable<string> Codes(byte[] json, TrustRoot root, SigningUse use = SigningUse.Publish) =>
        BundleVerifier.Verify(json, root, BundleReadOptions.Default, use).Problems.Select(p => p.Code);

    private TrustRoot Root(int threshold) => new()
    {
        Threshold = threshold,
        Keys =
        [
            new TrustKey("alice", SignatureAlgorithm.EcdsaKey, alice.ExportSubjectPublicKeyInfoPem()),
            new TrustKey("bob", SignatureAlgorithm.EcdsaKey, bob.ExportSubjectPublicKeyInfoPem()),
            new TrustKey("carol", SignatureAlgorithm.RsaKey, carol.ExportSubjectPublicKeyInfoPem()),
        ],
    };

    public void Dispose()
    {
        alice.Dispose();
        bob.Dispose();
        carol.Dispose();
    }
}
