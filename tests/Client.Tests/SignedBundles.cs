using System.Security.Cryptography;
using System.Text;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client.Tests;

/// <summary>Real keys and real signed bundles for tests.</summary>
internal sealed class SignedBundles : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public SignedBundles(string keyId = "test-key")
    {
        KeyId = keyId;
        Root = new TrustRoot { Keys = [new TrustKey(keyId, "ECDSA-P256-SHA256", _key.ExportSubjectPublicKeyInfoPem())] };
    }

    public string KeyId { get; }

    public TrustRoot Root { get; }

    public ECDsa Key => _key;

    /// <summary>A bundle that allows <c>read</c> and, from 2.0.0 on, <c>write</c> too; its version is the reason it gives.</summary>
    public SignedBundle Make(string version)
    {
        var rules = new List<string> { Rule("read", version) };
        if (!version.StartsWith('1'))
        {
            rules.Add(Rule("write", version));
        }

        return Make(version, string.Join(',', rules));
    }

    /// <summary>A bundle with these rules.</summary>
    public SignedBundle Make(string version, string rules)
    {
        var json = $$"""
            {"metadata":{"bundle_id":"test","version":"{{version}}","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"},
             "policies":[{{rules}}]}
            """;
        var signed = BundleSigner.Sign(Encoding.UTF8.GetBytes(json), KeyId, _key);
        return new SignedBundle(BundleReader.Read(signed, BundleReadOptions.Default).Value!.PolicyHash, version, signed);
    }

    public void Dispose() => _key.Dispose();

    private static string Rule(string capability, string version) =>
        $$"""{"id":"{{capability}}","effect":"allow","reason":"{{version}}","match":{"intent_prefix":"{{capability}}"} }""";
}

internal sealed record SignedBundle(string Hash, string Version, byte[] Content);
