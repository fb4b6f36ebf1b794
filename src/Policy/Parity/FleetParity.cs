using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Parity;

/// <summary>
/// Where the parity groups of a fleet stand. A new directive needs no word about any group: which groups must switch follows from
/// it and from <see cref="Base"/>. So the directive stays one row, and a fleet without groups knows nothing of all this.
/// </summary>
public sealed record FleetParity
{
    /// <summary>Of a fleet in which no group ever switched.</summary>
    public static FleetParity None { get; } = new();

    /// <summary>The directive under which every group without a switch has come to rest; null: none ever did.</summary>
    public Directive? Base { get; init; }

    /// <summary>The groups on their way, by name.</summary>
    public ImmutableSortedDictionary<string, ParitySwitch> Switches { get; init; } = ImmutableSortedDictionary<string, ParitySwitch>.Empty;

    /// <summary>
    /// The epoch of the directive beside which this was read. It says nothing about any other: a group may have gone to and fro between two
    /// directives of which a reader knows only the ends.
    /// </summary>
    public long ReadAt { get; init; }

    /// <summary>How the group of a member stands. A group of which is not known what it runs, serves nothing until it is.</summary>
    /// <param name="directive">The directive in force.</param>
    /// <param name="member">Any member.</param>
    public GroupStanding StandingOf(Directive directive, NodeRecord member)
    {
        ArgumentNullException.ThrowIfNull(directive);
        ArgumentNullException.ThrowIfNull(member);
        Invariant.Holds(member.ParityGroup is not null, "INV-PARITY", "A node without a group has no part in parity.");
        var to = Cohorts.AssignedHash(directive, member);
        if (ReadAt != directive.Epoch)
        {
            return new GroupStanding(ParityPhase.Prepare, null, to);
        }

        var onTheWay = Switches.GetValueOrDefault(member.ParityGroup!);
        if (onTheWay?.Epoch == directive.Epoch)
        {
            return new GroupStanding(onTheWay.Phase, onTheWay.From, to);
        }

        // A switch of an earlier directive was not committed, so its members serve what it began with, or nothing.
        var from = onTheWay is not null ? onTheWay.From : Base is null ? null : Cohorts.AssignedHash(Base, member);
        return new GroupStanding(from == to ? ParityPhase.Commit : ParityPhase.Prepare, from, to);
    }
}
