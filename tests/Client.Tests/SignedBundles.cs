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

    /// <summary>A bundle with these rules; without any it allows <c>read</c> and, from 2.0.0 on, <c>write</c> too, its version being the reason it gives.</summary>
    public SignedBundle Make(string version, string? rules = null, string metadata = "")
    {
        rules ??= version.StartsWith('1') ? Rule("read", version) : $"{Rule("read", version)},{Rule("write", version)}";
        var signed = Sign($$"""
            {"metadata":{"bundle_id":"test","version":"{{version}}","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"{{metadata}} },
             "policies":[{{rules}}]}
            """);
        return new SignedBundle(BundleReader.Read(signed, BundleReadOptions.Default).Value!.PolicyHash, version, signed);
    }

    public byte[] Sign(string json) => BundleSigner.Sign(Encoding.UTF8.GetBytes(json), KeyId, _key);

    public void Dispose() => _key.Dispose();

    private static string Rule(string capability, string version) =>
        $$"""{"id":"{{capability}}","effect":"allow","reason":"{{version}}","match":{"intent_prefix":"{{capability}}"} }""";
}

internal sealed record SignedBundle(string Hash, string Version, byte[] Content);
