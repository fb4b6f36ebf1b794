using System.Security.Cryptography;
using System.Text;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>Signs bundles that the tests' trust root believes.</summary>
public static class Publisher
{
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static TrustRoot Root { get; } = new()
    {
        Keys = [new TrustKey("tests", "ECDSA-P256-SHA256", Key.ExportSubjectPublicKeyInfoPem())],
        Threshold = 1,
    };

    /// <summary>The next root: a key of its own, and what becomes of the first one. Signed by both.</summary>
    public static TrustRoot NextRoot(TrustKeyState first)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var next = new TrustRoot
        {
            Version = 2,
            Keys = [Root.Keys[0] with { State = first }, new TrustKey("next", "ECDSA-P256-SHA256", key.ExportSubjectPublicKeyInfoPem())],
            Threshold = 1,
        };
        return TrustRoots.Sign(TrustRoots.Sign(next, "tests", Key), "next", key);
    }

    /// <summary>A bundle that differs from every other version's.</summary>
    public static byte[] Bundle(string version, string extra = "") => BundleSigner.Sign(WithoutSignature(version, extra), "tests", Key);

    public static byte[] WithoutSignature(string version, string extra = "") => Encoding.UTF8.GetBytes($$"""
        {
          "metadata": {"bundle_id": "gateway", "version": "{{version}}", "issued_at": "2026-01-01T00:00:00Z", "issuer": "tests", "kind": "rules"{{extra}}},
          "policies": [{"id": "read", "effect": "allow", "match": {"capability": "orders.read"}, "reason": "reading is open since {{version}}"}]
        }
        """);
}
