using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Bundles;

/// <summary>A bundle that has been read and found well-formed. Its signatures count only once <see cref="BundleVerifier"/> said so.</summary>
public sealed record Bundle
{
    /// <summary>How it was written.</summary>
    public required BundleForm Form { get; init; }

    /// <summary>What it says of itself.</summary>
    public required BundleMetadata Metadata { get; init; }

    /// <summary>See <see cref="BundleKind"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Its identity: the lower-case hex SHA-256 of its canonical form without signatures.</summary>
    public required string PolicyHash { get; init; }

    /// <summary>The same over the document alone; document bundles only.</summary>
    public string? DocumentHash { get; init; }

    /// <summary>Its rules in their written order; empty for a document.</summary>
    public ImmutableArray<Rule> Rules { get; init; } = [];

    /// <summary>What operands of its rules may refer to; undefined where there is none.</summary>
    public JsonElement Data { get; init; }

    /// <summary>The document; undefined for rules.</summary>
    public JsonElement Document { get; init; }

    /// <summary>The signatures as they stand.</summary>
    public ImmutableArray<BundleSignature> Signatures { get; init; } = [];

    /// <summary>The ids of the keys whose signatures were verified and counted; empty until then.</summary>
    public ImmutableArray<string> SignedBy { get; init; } = [];

    /// <summary>The places of the input that the rules look at.</summary>
    internal PathTable? Paths { get; init; }

    /// <summary>The SHA-256 that native signatures sign.</summary>
    internal ImmutableArray<byte> SignedDigest { get; init; } = [];

    /// <summary>What the catalog keeps of it.</summary>
    /// <param name="publishedAt">Now.</param>
    /// <param name="by">The subject that published it.</param>
    /// <param name="size">The size of the content in bytes.</param>
    public BundleRecord ToRecord(DateTimeOffset publishedAt, string by, long size) => new()
    {
        Version = Metadata.Version,
        PolicyHash = PolicyHash,
        DocumentHash = DocumentHash,
        BundleId = Metadata.BundleId,
        Kind = Kind,
        Rules = Rules.Length,
        Issuer = Metadata.Issuer,
        IssuedAt = Metadata.IssuedAt,
        ExpiresAt = Metadata.ExpiresAt,
        Sequence = Metadata.Sequence,
        PublishedAt = publishedAt,
        PublishedBy = by,
        Size = size,
    };
}
