using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Silo.Http;

/// <summary>A fleet for a reader.</summary>
public sealed record FleetView
{
    private const string NoBound = "none";

    /// <inheritdoc cref="FleetSnapshot.Tenant"/>
    public required string Tenant { get; init; }

    /// <inheritdoc cref="FleetSnapshot.Fleet"/>
    public required string Fleet { get; init; }

    /// <inheritdoc cref="FleetSnapshot.Settings"/>
    public required FleetSettings Settings { get; init; }

    /// <inheritdoc cref="FleetSnapshot.Directive"/>
    public required Directive Directive { get; init; }

    /// <summary>Whether a node of which nobody spoke by name may serve, as far as arming goes.</summary>
    public required bool Armed { get; init; }

    /// <summary>What was said about that.</summary>
    public required FleetArmsView Arming { get; init; }

    /// <inheritdoc cref="FleetSnapshot.Revision"/>
    public required long Revision { get; init; }

    /// <inheritdoc cref="FleetSnapshot.Nodes"/>
    public required ImmutableSortedDictionary<string, int> Nodes { get; init; }

    /// <inheritdoc cref="FleetSnapshot.EpochBehind"/>
    public long? EpochBehind { get; init; }

    /// <summary>Within how long a rollback is certain to be over everywhere; <c>none</c> where leases are off.</summary>
    public required string RollbackBound { get; init; }

    internal static FleetView Of(FleetSnapshot fleet) => new()
    {
        Tenant = fleet.Tenant,
        Fleet = fleet.Fleet,
        Settings = fleet.Settings,
        Directive = fleet.Directive,
        Armed = fleet.IsArmed(null),
        Arming = FleetArmsView.Of(fleet.Arms),
        Revision = fleet.Revision,
        Nodes = fleet.Nodes,
        EpochBehind = fleet.EpochBehind,
        RollbackBound = Lease.Grant(fleet.Settings, fleet.Directive) is null ? NoBound : $"{RollbackDeadlineSec.ToString(CultureInfo.InvariantCulture)}s",
    };

    private static readonly int RollbackDeadlineSec = 60;
}
