using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansPolicy.Bundles;

/// <summary>
/// The pre-authentication encoding of DSSE (Dead Simple Signing Envelope, protocol version 1): a signature covers the kind of
/// content as well as its bytes, so that a signature over one kind can never pass for another.
/// </summary>
public static class Dsse
{
    /// <summary>The payload type of native bundles.</summary>
    public const string BundlePayloadType = "application/vnd.orleans-policy.bundle.v1+json";

    /// <summary>The payload type of trust roots.</summary>
    public const string TrustPayloadType = "application/vnd.orleans-policy.trust.v1+json";

    /// <summary><c>"DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload</c>, lengths as decimal byte counts.</summary>
    public static byte[] PreAuthenticationEncoding(string payloadType, ReadOnlySpan<byte> payload)
    {
        var prefix = Prefix(payloadType, payload.Length);
        var encoding = new byte[prefix.Length + payload.Length];
        prefix.CopyTo(encoding, 0);
        payload.CopyTo(encoding.AsSpan(prefix.Length));
        return encoding;
    }

    /// <summary>The SHA-256 of the encoding: what ES256 and PS256 sign.</summary>
    internal static byte[] Digest(string payloadType, ReadOnlySpan<byte> payload)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Prefix(payloadType, payload.Length));
        hash.AppendData(payload);
        return hash.GetHashAndReset();
    }

    private static byte[] Prefix(string payloadType, int payloadLength) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"DSSEv1 {Encoding.UTF8.GetByteCount(payloadType)} {payloadType} {payloadLength} "));
}
