using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Real keys and really signed bundles.</summary>
public sealed class TestBundles : IDisposable
{
    public const string KeyId = "test-key";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public byte[] RootJson => JsonSerializer.SerializeToUtf8Bytes(
        new TrustRoot { Keys = [new TrustKey(KeyId, "ECDSA-P256-SHA256", _key.ExportSubjectPublicKeyInfoPem())] }, PolicyJson.Options);

    public void Dispose() => _key.Dispose();

    /// <summary>Allows <c>orders.read</c>; from version 2 on <c>orders.write</c> too.</summary>
    public byte[] Make(string version) => Sign(WithoutSignature(version));

    public byte[] Sign(string json) => BundleSigner.Sign(Encoding.UTF8.GetBytes(json), KeyId, _key);

    public static string WithoutSignature(string version, string extra = "")
    {
        string Rule(string capability) => $$"""{"id":"{{capability}}","effect":"allow","reason":"{{version}}","match":{"intent_prefix":"{{capability}}"} }""";
        var rules = version.StartsWith('1') ? Rule("orders.read") : $"{Rule("orders.read")},{Rule("orders.write")}";
        return $$"""
            {"metadata":{"bundle_id":"orders","version":"{{version}}","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"{{extra}} },
             "policies":[{{rules}}],"signatures":[]}
            """;
    }
}
