namespace OrleansPolicy.Bundles;

/// <summary>The names of algorithms: those of signatures (RFC 7518) and those of keys.</summary>
public static class SignatureAlgorithm
{
    /// <summary>ECDSA on P-256 with SHA-256; the signature is r || s, 64 bytes (IEEE P1363).</summary>
    public const string Es256 = "ES256";

    /// <summary>RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.</summary>
    public const string Ps256 = "PS256";

    /// <summary>A P-256 key, for <see cref="Es256"/>.</summary>
    public const string EcdsaKey = "ECDSA-P256-SHA256";

    /// <summary>An RSA key, for <see cref="Ps256"/> from 3072 bits and for the unison form from 2048.</summary>
    public const string RsaKey = "RSA-PSS-SHA256";

    /// <summary>RSA keys below this are refused everywhere.</summary>
    public const int RsaBitsMin = 2048;

    /// <summary>RSA keys above this are refused everywhere: verifying under them takes too long.</summary>
    public const int RsaBitsMax = 8192;

    /// <summary>RSA keys below this verify the unison form only.</summary>
    public const int NativeRsaBitsMin = 3072;
}
