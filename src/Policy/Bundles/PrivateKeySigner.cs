using System.Security.Cryptography;

namespace OrleansPolicy.Bundles;

/// <summary>Signs digests with a caller's private key.</summary>
internal static class PrivateKeySigner
{
    /// <summary>ES256 (r || s) or PS256, whichever the key is for.</summary>
    /// <exception cref="ArgumentException">The key is neither P-256 nor an RSA key of at least 3072 bits.</exception>
    public static byte[] Sign(byte[] digest, AsymmetricAlgorithm key) => key switch
    {
        ECDsa { KeySize: 256 } ecdsa => ecdsa.SignHash(digest, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        RSA { KeySize: >= SignatureAlgorithm.NativeRsaBitsMin } rsa => rsa.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        _ => throw new ArgumentException("Signing takes a P-256 key or an RSA key of at least 3072 bits.", nameof(key)),
    };

    /// <summary>The algorithm that <see cref="Sign"/> uses for the key.</summary>
    public static string Algorithm(AsymmetricAlgorithm key) => key is ECDsa ? SignatureAlgorithm.Es256 : SignatureAlgorithm.Ps256;
}
