using System.Collections.Immutable;

namespace OrleansPolicy.Bundles;

/// <summary>Whose signatures count. A new one follows by the signatures of the old threshold and of its own.</summary>
public sealed record TrustRoot
{
    /// <summary>1 for the first; each next one is exactly one higher.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The keys.</summary>
    public required ImmutableArray<TrustKey> Keys { get; init; }

    /// <summary>How many distinct public keys must have signed.</summary>
    public int Threshold { get; init; } = 1;

    /// <summary>Signatures of this root over its canonical form without them; empty for the first.</summary>
    public ImmutableArray<TrustSignature> Signatures { get; init; } = [];
}

/// <summary>A public key.</summary>
/// <param name="KeyId">A name for it.</param>
/// <param name="Algorithm"><c>ECDSA-P256-SHA256</c> or <c>RSA-PSS-SHA256</c>.</param>
/// <param name="PublicKeyPem">SubjectPublicKeyInfo as PEM.</param>
/// <param name="State">active, retired (what it signed still verifies) or compromised (it does not).</param>
public sealed record TrustKey(string KeyId, string Algorithm, string PublicKeyPem, TrustKeyState State = TrustKeyState.Active);

/// <summary>What a key is still good for.</summary>
public enum TrustKeyState
{
    /// <summary>Signs and verifies.</summary>
    Active,

    /// <summary>Verifies what it signed; publishing under it is refused.</summary>
    Retired,

    /// <summary>Verifies nothing.</summary>
    Compromised,
}

/// <summary>A signature over a trust root.</summary>
/// <param name="KeyId">The key.</param>
/// <param name="Sig">Base64.</param>
public sealed record TrustSignature(string KeyId, string Sig);
