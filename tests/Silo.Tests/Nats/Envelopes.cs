using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansPolicy.Silo.Tests.Nats;

/// <summary>Signed envelopes, made by another program than the one that opens them.</summary>
internal static class Envelopes
{
    private static readonly JsonSerializerOptions AsJavaScript = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>An order to arm, as it should be; a change is made after signing.</summary>
    public static byte[] Arm(
        string? reason = "deployed", string type = "ARM_SYSTEM", string? operatorId = "ada", string secret = Bridge.Secret,
        TimeSpan age = default, string? nonce = null, Action<JsonObject>? change = null)
    {
        var payload = new JsonObject { ["type"] = type, ["id"] = Guid.NewGuid().ToString(), ["timestamp"] = 1, ["é"] = new JsonObject { ["b"] = 2, ["a"] = "ü" } };
        if (reason is not null)
        {
            payload["reason"] = reason;
        }

        if (operatorId is not null)
        {
            payload["operator_id"] = operatorId;
        }

        var ts = (DateTimeOffset.UtcNow - age).ToUnixTimeMilliseconds();
        nonce ??= Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var signed = $"{ts}.{nonce}.{Sorted(payload).ToJsonString(AsJavaScript)}";
        var envelope = new JsonObject
        {
            ["id"] = Guid.NewGuid().ToString(),
            ["type"] = "titan.cmd.operator.arm.v1",
            ["version"] = 1,
            ["producer"] = "tests",
            ["ts"] = ts,
            ["nonce"] = nonce,
            ["key_id"] = "default",
            ["payload"] = payload,
            ["sig"] = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(signed))),
        };
        change?.Invoke(envelope);
        return Encoding.UTF8.GetBytes(envelope.ToJsonString());
    }

    private static JsonNode Sorted(JsonNode node) => node is JsonObject values
        ? new JsonObject(values.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)Sorted(pair.Value!))))
        : node.DeepClone();
}
