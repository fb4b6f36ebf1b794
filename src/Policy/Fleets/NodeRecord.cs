using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Fleets;

/// <summary>What a node says of itself when it registers.</summary>
public sealed record NodeRegistration
{
    /// <summary>The node's name, unique in its fleet.</summary>
    public required string Node { get; init; }

    /// <summary>Its part in a parity group, such as <c>brain</c> or <c>execution</c>.</summary>
    public string? Role { get; init; }

    /// <summary>The group whose members must run the same hash, or none.</summary>
    public string? ParityGroup { get; init; }

    /// <summary>What it shares a fate with: a zone, a rack, a region. Default <c>default</c>.</summary>
    public string FailureDomain { get; init; } = "default";

    /// <summary>Free labels, at most 32.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>A registered node.</summary>
public sealed record NodeRecord
{
    /// <summary>The node's name.</summary>
    public required string Node { get; init; }

    /// <summary>Rises by one for each registration in the fleet, under the fleet's row lock; kept until the node leaves or changes group or domain.</summary>
    public required long Registration { get; init; }

    /// <summary>What a stage moves: <c>group:NAME</c> or <c>node:NAME</c>.</summary>
    public string Unit => ParityGroup is null ? "node:" + Node : "group:" + ParityGroup;

    /// <inheritdoc cref="NodeRegistration.Role"/>
    public string? Role { get; init; }

    /// <inheritdoc cref="NodeRegistration.ParityGroup"/>
    public string? ParityGroup { get; init; }

    /// <inheritdoc cref="NodeRegistration.FailureDomain"/>
    public string FailureDomain { get; init; } = "default";

    /// <summary>Where stages count its parity group; null: it has none.</summary>
    public GroupPlace? Group { get; init; }

    /// <inheritdoc cref="NodeRegistration.Labels"/>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>When this registration was made.</summary>
    public required DateTimeOffset RegisteredAt { get; init; }

    /// <summary>
    /// Whether it joined a parity group for which a cap of the stage has no room (<see cref="StageCaps"/>): it serves nothing as long as that
    /// is so. Not stored: the fleet finds it anew from the directive and the registrations.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool OverCap { get; init; }

    /// <summary>Whether a registration would change anything that is stored.</summary>
    public bool Matches(NodeRegistration registration) =>
        Role == registration.Role && ParityGroup == registration.ParityGroup && FailureDomain == registration.FailureDomain
        && Labels.SequenceEqual(registration.Labels);
}

/// <summary>
/// Where a parity group stands in a fleet: at the place of its first member, for as long as it has any, so that its members are in a
/// stage together or not at all. A group that lost all members is a new one.
/// </summary>
/// <param name="FailureDomain">The first member's domain.</param>
/// <param name="Registration">The first member's registration number.</param>
public sealed record GroupPlace(string FailureDomain, long Registration);
