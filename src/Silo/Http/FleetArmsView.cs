using System.Collections.Immutable;
using OrleansPolicy.Arming;

namespace OrleansPolicy.Silo.Http;

/// <summary>Everything that was said about who of a fleet may serve: what nobody spoke of is not there.</summary>
/// <param name="All">About the whole installation.</param>
/// <param name="Tenant">About the whole tenant.</param>
/// <param name="Fleet">About the fleet.</param>
/// <param name="Nodes">About single nodes, by name.</param>
public sealed record FleetArmsView(SaidView? All, SaidView? Tenant, SaidView? Fleet, ImmutableSortedDictionary<string, SaidView> Nodes)
{
    internal static FleetArmsView Of(FleetArms arms) => new(
        SaidView.Of(arms.All), SaidView.Of(arms.Tenant), SaidView.Of(arms.Fleet),
        arms.Nodes.ToImmutableSortedDictionary(row => row.Key, row => SaidView.Of(row.Value)!, StringComparer.Ordinal));
}

/// <summary>What was last said about a scope.</summary>
/// <param name="Armed">Whether it was armed.</param>
/// <param name="ArmEpoch">The number of it.</param>
/// <param name="By">Who said it.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
/// <param name="Emergency">Whether arming again takes two people.</param>
/// <param name="PendingId">The arm that waits for a second person.</param>
public sealed record SaidView(bool Armed, long ArmEpoch, string By, string Reason, DateTimeOffset At, bool Emergency, string? PendingId)
{
    internal static SaidView? Of(ArmRow? row) => row is null
        ? null
        : new SaidView(row.Armed, row.ArmEpoch, row.By.Subject, row.Reason, row.At, row.Emergency, row.Pending?.PendingId);
}
