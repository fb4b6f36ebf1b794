using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Benchmarks;

/// <summary>The policy of examples/gateway-policy with the inputs that lie beside it.</summary>
internal static class GatewayExample
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "gateway-policy");

    public static byte[] PolicyJson { get; } = File.ReadAllBytes(Path.Combine(Folder, "policy.json"));

    public static byte[] NextPolicyJson { get; } = File.ReadAllBytes(Path.Combine(Folder, "policy.v2.json"));

    public static RuleSet Rules()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var bundle = BundleReader.Read(BundleSigner.Sign(PolicyJson, "bench", key), new BundleReadOptions());
        return bundle.Succeeded
            ? RuleSet.Compile(bundle.Value).Value!
            : throw new InvalidOperationException(bundle.Problems[0].Message);
    }

    public static ImmutableArray<DecisionRequest> Requests()
    {
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "decisions.json")));
        var list = cases.RootElement.ValueKind == JsonValueKind.Array ? cases.RootElement : cases.RootElement.GetProperty("decisions");
        return
        [
            .. list.EnumerateArray().Select(one => new DecisionRequest(
                one.GetProperty("capability_id").GetString()!,
                one.TryGetProperty("context", out var context) ? context.Clone() : default,
                one.TryGetProperty("now", out var now) ? now.GetDateTimeOffset() : DateTimeOffset.UnixEpoch)),
        ];
    }
}
