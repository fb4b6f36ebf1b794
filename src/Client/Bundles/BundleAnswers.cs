using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>A published bundle.</summary>
public sealed record PublishedBundle
{
    /// <summary>Its version.</summary>
    public required string Version { get; init; }

    /// <summary>Its identity.</summary>
    public required string PolicyHash { get; init; }

    /// <summary>The hash of the document alone; document bundles only.</summary>
    public string? DocumentHash { get; init; }

    /// <summary>The author's own id.</summary>
    public required string BundleId { get; init; }

    /// <summary>How many rules it has.</summary>
    public int Rules { get; init; }

    /// <summary>Always <c>verified</c>.</summary>
    public required string State { get; init; }
}

/// <summary>What the control plane says of a bundle without storing it.</summary>
/// <param name="Valid">Whether it would be accepted.</param>
/// <param name="PolicyHash">Its identity, where it could be computed.</param>
/// <param name="Version">Its version, where it has one.</param>
/// <param name="BundleId">Its id, where it has one.</param>
/// <param name="Errors">Everything that is wrong.</param>
public sealed record BundleVerdict(bool Valid, string? PolicyHash, string? Version, string? BundleId, ImmutableArray<Problem> Errors);

/// <summary>RFC 8785 text and its SHA-256.</summary>
public sealed record CanonicalAnswer(string Canonical, string PolicyHash);

/// <summary>The decisions of one bundle over some inputs, in their order.</summary>
public sealed record TriedDecisions(string PolicyHash, string? Version, ImmutableArray<TriedDecision> Decisions);

/// <summary>One of them.</summary>
public sealed record TriedDecision(string CapabilityId, Decision Decision);

/// <summary>A decision made by the control plane in a node's name.</summary>
public sealed record DecisionAnswer
{
    /// <summary>What was asked for.</summary>
    public string? CapabilityId { get; init; }

    /// <summary>The decision.</summary>
    public Decision? Decision { get; init; }

    /// <summary>The version that decided.</summary>
    public string? PolicyVersion { get; init; }

    /// <summary>The hash that decided.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>The epoch under which it decided.</summary>
    public long Epoch { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset Timestamp { get; init; }
}

/// <summary>One input of a decision.</summary>
/// <param name="CapabilityId">What is asked for.</param>
/// <param name="Context">What is known about the request.</param>
public sealed record DecideInput(string CapabilityId, JsonElement? Context = null);
