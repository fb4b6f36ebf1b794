namespace OrleansPolicy.Bundles;

/// <summary>What the catalog knows of a published bundle. The content itself is stored byte for byte as it was published.</summary>
public sealed record BundleRecord
{
    /// <summary>SemVer; names the bundle in its tenant.</summary>
    public required string Version { get; init; }

    /// <summary>The bundle's identity: lower-case hex SHA-256 of its canonical form.</summary>
    public required string PolicyHash { get; init; }

    /// <summary>The same over the document alone; document bundles only.</summary>
    public string? DocumentHash { get; init; }

    /// <summary>The author's own id.</summary>
    public required string BundleId { get; init; }

    /// <summary><c>rules</c> or <c>document</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>How many rules it has; 0 for a document.</summary>
    public int Rules { get; init; }

    /// <summary>Always <c>verified</c>: nothing else is stored.</summary>
    public string State { get; init; } = "verified";

    /// <summary>Who issued it.</summary>
    public string? Issuer { get; init; }

    /// <summary>When it was issued.</summary>
    public DateTimeOffset? IssuedAt { get; init; }

    /// <summary>When publishing or starting it is no longer allowed.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Must not fall below the highest one the tenant has seen.</summary>
    public long? Sequence { get; init; }

    /// <summary>When it was published here.</summary>
    public DateTimeOffset PublishedAt { get; init; }

    /// <summary>The subject that published it.</summary>
    public string? PublishedBy { get; init; }

    /// <summary>The size of the content in bytes.</summary>
    public long Size { get; init; }
}

/// <summary>One move of a tag.</summary>
public sealed record TagRecord(string Tag, string? Fleet, string PolicyHash, string Reason, string By, DateTimeOffset At);
