namespace OrleansPolicy.Bundles;

/// <summary>A signature as it stands on a bundle, not yet verified.</summary>
/// <param name="KeyId">The key of the trust root; a mere label in the unison form.</param>
/// <param name="Algorithm">See <see cref="SignatureAlgorithm"/>; a mere label in the unison form.</param>
/// <param name="Sig">The signature in base64.</param>
public sealed record BundleSignature(string KeyId, string Algorithm, string Sig)
{
    /// <summary>The hash that the unison form signs; null in native bundles.</summary>
    public string? Hash { get; init; }
}
