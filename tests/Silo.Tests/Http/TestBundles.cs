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

    /// <summary>The root that follows, signed by both: this key in another state, and the other's.</summary>
    public byte[] NextRootJson(TrustKeyState state, TestBundles other)
    {
        var root = JsonSerializer.Deserialize<TrustRoot>(RootJson, PolicyJson.Options)!;
        var key = new TrustKey("next-key", "ECDSA-P256-SHA256", other._key.ExportSubjectPublicKeyInfoPem());
        var next = new TrustRoot { Version = 2, Keys = [root.Keys[0] with { State = state }, key] };
        return JsonSerializer.SerializeToUtf8Bytes(TrustRoots.Sign(TrustRoots.Sign(next, KeyId, _key), key.KeyId, other._key), PolicyJson.Options);
    }

    public void Dispose() => _key.Dispose();

    /// <summary>Allows <c>orders.read</c>; from version 2 on <c>orders.write</c> too.</summary>
    public byte[] Make(string version) => Sign(WithoutSignature(version));

    public byte[] Sign(string json) => BundleSigner.Sign(Encoding.UTF8.GetBytes(json), KeyId, _key);

    public static string WithoutSignature(string version, string extra = "")
    {
        string Rule(string capability) => $$"""{"id":"{{capability}}","effect":"allow","reason":"{{version}}","match":{"intent_prefix":"{{capability}}"} }""";
        var rules = version.StartsWith('1') ? Rule("orders.read") : $"{Rule("orders.read")},{Rule("orders.write")}";
        return OfRules(version, rules, extra);
    }

    public static string OfRules(string version, string rules, string extra = "") =>
        $$"""
        {"metadata":{"bundle_id":"orders","version":"{{version}}","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"rules"{{extra}} },
         "policies":[{{rules}}],"signatures":[]}
        """;
}
