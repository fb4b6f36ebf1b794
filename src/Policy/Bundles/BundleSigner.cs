using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansPolicy.Bundles;

/// <summary>Signs native bundles.</summary>
public static class BundleSigner
{
    /// <summary>
    /// The bundle with one more signature, or another one where the key signed before. The rest stays as it is written, apart from
    /// white space, which no signature covers.
    /// </summary>
    /// <param name="json">A well-formed native bundle, signed or not.</param>
    /// <param name="keyId">The key's id in the trust root.</param>
    /// <param name="key">A P-256 key (ES256) or an RSA key of at least 3072 bits (PS256), with its private part.</param>
    /// <exception cref="ArgumentException">The key cannot sign.</exception>
    /// <exception cref="FormatException">The bundle is not well-formed; the message begins with the first problem's code.</exception>
    public static byte[] Sign(ReadOnlyMemory<byte> json, string keyId, AsymmetricAlgorithm key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var outcome = TrySign(json, keyId, key);
        return outcome.Value ?? throw new FormatException($"{outcome.Problems[0].Code}: {outcome.Problems[0].Message}");
    }

    /// <summary>The same with everything wrong with the bundle as a value.</summary>
    /// <exception cref="ArgumentException">The key cannot sign.</exception>
    public static Outcome<byte[]> TrySign(ReadOnlyMemory<byte> json, string keyId, AsymmetricAlgorithm key)
    {
        ArgumentException.ThrowIfNullOrEmpty(keyId);
        ArgumentNullException.ThrowIfNull(key);
        var unsigned = BundleReader.Read(json, new BundleReadOptions { AllowUnsigned = true, AssumeNative = true });
        if (!unsigned.Succeeded)
        {
            return unsigned.As<byte[]>();
        }

        if (unsigned.Value.Form == BundleForm.Unison)
        {
            return Outcome<byte[]>.Fail("bundle.signature.form", "A bundle in the unison form is signed by unison's own tool.", "$.signature");
        }

        var signature = PrivateKeySigner.Sign([.. unsigned.Value.SignedDigest], key);
        return Outcome<byte[]>.Ok(Write(
            JsonElement.Parse(json.Span),
            unsigned.Value.Signatures.Where(s => s.KeyId != keyId)
                .Append(new BundleSignature(keyId, PrivateKeySigner.Algorithm(key), Convert.ToBase64String(signature)))));
    }

    private static byte[] Write(JsonElement bundle, IEnumerable<BundleSignature> signatures)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            foreach (var member in bundle.EnumerateObject().Where(m => m.Name != "signatures"))
            {
                member.WriteTo(writer);
            }

            writer.WriteStartArray("signatures");
            foreach (var signature in signatures)
            {
                writer.WriteStartObject();
                writer.WriteString("key_id", signature.KeyId);
                writer.WriteString("algorithm", signature.Algorithm);
                writer.WriteString("sig", signature.Sig);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }
}
