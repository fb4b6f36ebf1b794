using System.Text.Json.Serialization;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Fleets;

/// <summary>The directive as one node hears it.</summary>
public sealed record NodeDirective
{
    /// <inheritdoc cref="Directive.Epoch"/>
    public required long Epoch { get; init; }

    /// <inheritdoc cref="Directive.ArmEpoch"/>
    public long ArmEpoch { get; init; }

    /// <summary>What this node runs; null while the fleet has no bundle.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>
    /// The hash that this node may go on serving until it has swapped to <see cref="PolicyHash"/>: for a node of the cohort the
    /// directive's fallback, so that going forward drops no request and a node that cannot load the target keeps serving. Null: none,
    /// every other hash denies at once (a rollback, a fleet at rest).
    /// </summary>
    public string? FallbackHash { get; init; }

    /// <summary>
    /// The node's parity group; null: it has none. Until its phase is commit the node prepares <see cref="PolicyHash"/> and serves
    /// <see cref="FallbackHash"/> or nothing.
    /// </summary>
    public GroupDirective? Group { get; init; }

    /// <summary>A bundle to load and evaluate beside <see cref="PolicyHash"/>, which stays in force; null: none.</summary>
    public string? ShadowHash { get; init; }

    /// <summary>The version of the bundle to run.</summary>
    public string? Version { get; init; }

    /// <summary>Whether this node may serve.</summary>
    public bool Armed { get; init; } = true;

    /// <summary>
    /// Seconds for which the node may serve, counted on its monotonic clock from when it sent the request; null: leases are off.
    /// Always written, and required when read: an answer that forgot it must not be taken for one that switches leases off.
    /// </summary>
    [JsonRequired]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? LeaseSec { get; init; }

    /// <summary>Seconds between two reports.</summary>
    public double ReportIntervalSec { get; init; } = 5;

    /// <summary>A relative path, fetched from the configured origin only.</summary>
    public string? ContentUrl { get; init; }
}
