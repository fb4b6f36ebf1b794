using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Benchmarks;

/// <summary>Bundles of any size, made of the gateway example's rules again and again for other services, signed by two keys of three.</summary>
internal sealed class LargeBundles : IDisposable
{
    private readonly ECDsa[] _keys = [.. Enumerable.Range(0, 3).Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256))];

    public LargeBundles() => Root = new TrustRoot
    {
        Keys = [.. _keys.Select((key, i) => new TrustKey($"k{i}", SignatureAlgorithm.EcdsaKey, key.ExportSubjectPublicKeyInfoPem()))],
        Threshold = 2,
    };

    /// <summary>Two of its three keys must have signed.</summary>
    public TrustRoot Root { get; }

    /// <summary>A signed bundle with so many rules.</summary>
    public byte[] OfRules(int count) => OfRules(count, "");

    /// <summary>Another one, which has no rule in common with it.</summary>
    public byte[] OfOtherRules(int count) => OfRules(count, "-other");

    private byte[] OfRules(int count, string suffix)
    {
        var bundle = JsonNode.Parse(GatewayExample.PolicyJson)!.AsObject();
        var originals = bundle["policies"]!.AsArray();
        var policies = new JsonArray();
        for (var i = 0; i < count; i++)
        {
            var rule = originals[i % originals.Count]!.DeepClone();
            var copy = i / originals.Count;
            rule["id"] = $"{rule["id"]}-{copy}{suffix}";
            if (rule["match"]?["capability"] is { } capability)
            {
                var names = capability as JsonArray ?? [capability.DeepClone()];
                rule["match"]!["capability"] = new JsonArray([.. names.Select(name => (JsonNode)$"service{copy}.{name}")]);
            }

            policies.Add(rule);
        }

        bundle["policies"] = policies;
        var unsigned = System.Text.Encoding.UTF8.GetBytes(bundle.ToJsonString());
        return BundleSigner.Sign(BundleSigner.Sign(unsigned, "k0", _keys[0]), "k1", _keys[1]);
    }

    /// <summary>A signed bundle of so many bytes, to within a percent, as it is published: indented, with its signatures.</summary>
    public byte[] OfSize(int bytes)
    {
        var count = 1_000;
        var bundle = OfRules(count);
        while (Math.Abs(bundle.Length - bytes) > bytes / 100)
        {
            count = (int)((long)count * bytes / bundle.Length);
            bundle = OfRules(count);
        }

        return bundle;
    }

    /// <summary>The same bundle without white space, which no signature covers.</summary>
    public static byte[] Dense(byte[] bundle) => System.Text.Encoding.UTF8.GetBytes(
        JsonNode.Parse(bundle)!.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));

    public void Dispose()
    {
        foreach (var key in _keys)
        {
            key.Dispose();
        }
    }
}
