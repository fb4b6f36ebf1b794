using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Parity;

/// <summary>What all groups of a fleet do next: one durable write, however many they are.</summary>
/// <param name="Next">Where they stand afterwards.</param>
/// <param name="Put">Switches that begin or go on, as they are then.</param>
/// <param name="Committed">Groups whose switch ends on the hash that the directive demands.</param>
/// <param name="Dropped">Switches that end with nothing to do: the directive demands what the group never left, or the group has no members.</param>
public sealed record ParityStep(
    FleetParity Next, ImmutableArray<ParitySwitch> Put, ImmutableArray<string> Committed, ImmutableArray<string> Dropped)
{
    /// <summary>The directive under which the groups without a switch are at rest then.</summary>
    public Directive Base => Next.Base!;
}
