using System.Security.Cryptography;

namespace OrleansPolicy.Bundles;

/// <summary>A parsed public key of a trust root. One verification at a time: the platform does not promise more.</summary>
internal sealed class PublicKey
{
    private const int ExponentBytesMax = 4;
    private const string P256 = "1.2.840.10045.3.1.7";

    private readonly Lock turn = new();
    private readonly ECDsa? ecdsa;
    private readonly RSA? rsa;

    private PublicKey(ECDsa? ecdsa, RSA? rsa, string fingerprint)
    {
        this.ecdsa = ecdsa;
        this.rsa = rsa;
        Fingerprint = fingerprint;
    }

    /// <summary>Equal exactly for equal keys, however their PEM is written. Thresholds count these.</summary>
    public string Fingerprint { get; }

    /// <summary>Size of an RSA key; 0 for others.</summary>
    public int RsaBits => rsa?.KeySize ?? 0;

    /// <summary>The signature algorithm this key is for in native bundles and trust roots.</summary>
    public string Algorithm => ecdsa is null ? SignatureAlgorithm.Ps256 : SignatureAlgorithm.Es256;

    /// <summary>Fails with <c>trust.algorithm</c>, <c>trust.key_private</c>, <c>trust.key_malformed</c>, <c>trust.key_curve</c>, <c>trust.key_weak</c>, <c>trust.key_large</c>.</summary>
    public static Outcome<PublicKey> Parse(string algorithm, string pem, string path)
    {
        if (pem.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            return Outcome<PublicKey>.Fail("trust.key_private", "A trust root holds public keys; this is a private one.", path + ".public_key_pem");
        }

        try
        {
            return algorithm switch
            {
                SignatureAlgorithm.EcdsaKey => ParseEcdsa(pem, path),
                SignatureAlgorithm.RsaKey => ParseRsa(pem, path),
                _ => Outcome<PublicKey>.Fail(
                    "trust.algorithm", $"The algorithm is {SignatureAlgorithm.EcdsaKey} or {SignatureAlgorithm.RsaKey}.", path + ".algorithm"),
            };
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return Outcome<PublicKey>.Fail(
                "trust.key_malformed", "The PEM is no SubjectPublicKeyInfo of this algorithm.", path + ".public_key_pem");
        }
    }

    /// <summary>Verifies a signature of <see cref="Algorithm"/> over a SHA-256 digest.</summary>
    public bool Verify(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        lock (turn)
        {
            return ecdsa is not null
                ? ecdsa.VerifyHash(digest, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
                : rsa!.VerifyHash(digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
        }
    }

    /// <summary>Verifies an RSASSA-PSS signature whose salt has the maximum length, as unison makes them.</summary>
    public bool VerifyMaximumSalt(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        rsa is not null && PssMaximumSalt.Verify(rsa.ExportParameters(includePrivateParameters: false), message, signature);

    private static Outcome<PublicKey> ParseEcdsa(string pem, string path)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
        }
        catch (PlatformNotSupportedException)
        {
            return Outcome<PublicKey>.Fail("trust.key_curve", "The key is on a curve that is not known here.", path + ".public_key_pem");
        }

        var parameters = key.ExportParameters(includePrivateParameters: false);
        return parameters.Curve.Oid?.Value == P256
            ? Outcome<PublicKey>.Ok(new PublicKey(key, null, Identify("P-256", parameters.Q.X!, parameters.Q.Y!)))
            : Outcome<PublicKey>.Fail("trust.key_curve", "The key is not on the curve P-256.", path + ".public_key_pem");
    }

    private static Outcome<PublicKey> ParseRsa(string pem, string path)
    {
        var key = RSA.Create();
        key.ImportFromPem(pem);
        var parameters = key.ExportParameters(includePrivateParameters: false);
        if (key.KeySize is < SignatureAlgorithm.RsaBitsMin or > SignatureAlgorithm.RsaBitsMax)
        {
            return Outcome<PublicKey>.Fail(
                key.KeySize < SignatureAlgorithm.RsaBitsMin ? "trust.key_weak" : "trust.key_large",
                $"The RSA key has {key.KeySize} bits; {SignatureAlgorithm.RsaBitsMin} to {SignatureAlgorithm.RsaBitsMax} are taken.",
                path + ".public_key_pem");
        }

        // The platform refuses the exponent 1 itself. A huge one would make verifying as slow as signing.
        return parameters.Exponent is { Length: <= ExponentBytesMax }
            ? Outcome<PublicKey>.Ok(new PublicKey(null, key, Identify("RSA", parameters.Modulus!, parameters.Exponent)))
            : Outcome<PublicKey>.Fail("trust.key_weak", "The RSA key's exponent is 3 to 2^32.", path + ".public_key_pem");
    }

    private static string Identify(string kind, byte[] first, byte[] second) =>
        $"{kind}:{Convert.ToHexStringLower(first)}:{Convert.ToHexStringLower(second)}";
}
