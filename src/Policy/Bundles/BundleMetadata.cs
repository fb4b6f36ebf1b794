using OrleansPolicy.Decisions;

namespace OrleansPolicy.Bundles;

/// <summary>What a bundle says of itself.</summary>
public sealed record BundleMetadata
{
    /// <summary>The author's own id.</summary>
    public required string BundleId { get; init; }

    /// <summary>SemVer in native bundles; any text in the unison form.</summary>
    public required string Version { get; init; }

    /// <summary>When it was issued; null in the unison form where the text is no RFC 3339 time.</summary>
    public DateTimeOffset? IssuedAt { get; init; }

    /// <summary>From when on it may not be published or started. The unison form has none that counts.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Who issued it.</summary>
    public string? Issuer { get; init; }

    /// <summary>A number that never falls from one bundle of a tenant to the next: protection against replay.</summary>
    public long? Sequence { get; init; }

    /// <summary>What a request gets that no rule matches; null where the bundle does not say.</summary>
    public DefaultEffect? DefaultEffect { get; init; }
}
