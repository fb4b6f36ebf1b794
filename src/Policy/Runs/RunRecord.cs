using System.Collections.Immutable;

namespace OrleansPolicy.Runs;

/// <summary>
/// Evidence: something that ran, tied to the exact policy it ran under. Written once, with its audit entry, and never changed.
/// </summary>
public sealed record RunRecord
{
    /// <summary>The run's id, unique in the tenant.</summary>
    public required string RunId { get; init; }

    /// <summary>The policy it ran under; null where none was in force.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>That bundle's version.</summary>
    public string? PolicyVersion { get; init; }

    /// <summary>The hash of the document alone, for a bundle of a document.</summary>
    public string? DocumentHash { get; init; }

    /// <summary>The metric registry it ran with, as its author hashed it.</summary>
    public string? RegistryHash { get; init; }

    /// <summary>The fleet whose policy it ran under.</summary>
    public string? Fleet { get; init; }

    /// <summary>The epoch of that fleet's directive.</summary>
    public long? Epoch { get; init; }

    /// <summary>The tenant's tags and those of the fleet, as they stood when it was recorded, by name.</summary>
    public ImmutableArray<TagInForce> Tags { get; init; } = [];

    /// <summary>Further facts of its author's.</summary>
    public ImmutableSortedDictionary<string, string>? Labels { get; init; }

    /// <summary>When it began, by its author's word.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it was recorded.</summary>
    public required DateTimeOffset RecordedAt { get; init; }

    /// <summary>The subject who recorded it.</summary>
    public required string RecordedBy { get; init; }
}

/// <summary>Where a tag pointed.</summary>
/// <param name="Tag">The tag.</param>
/// <param name="Fleet">The fleet it belongs to; null: the tenant.</param>
/// <param name="PolicyHash">The bundle.</param>
public sealed record TagInForce(string Tag, string? Fleet, string PolicyHash);
