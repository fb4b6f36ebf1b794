using System.Collections.Immutable;
using System.Text.Json.Serialization;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Arming;

/// <summary>
/// Everything that was said about a fleet and its nodes, row by row, narrowest to widest. Whether a node may serve is a function of
/// these rows and of nothing else, so that a narrower arm can never undo a wider disarm.
/// </summary>
public sealed record FleetArms
{
    /// <summary>Nobody said anything.</summary>
    public static FleetArms None { get; } = new();

    /// <summary>The highest number among the rows and the fleet's own changes: what its nodes hear and confirm.</summary>
    public long Epoch { get; init; }

    /// <summary>The row of the whole installation.</summary>
    public ArmRow? All { get; init; }

    /// <summary>The row of the whole tenant.</summary>
    public ArmRow? Tenant { get; init; }

    /// <summary>The row of the fleet.</summary>
    public ArmRow? Fleet { get; init; }

    /// <summary>The rows of single nodes, by name, and of parity groups, by <see cref="NodeRecord.Unit"/>.</summary>
    public ImmutableSortedDictionary<string, ArmRow> Nodes { get; init; } = ImmutableSortedDictionary<string, ArmRow>.Empty;

    /// <summary>The newest row that disarms the fleet as a whole; null: none does.</summary>
    [JsonIgnore]
    public ArmRow? WholeDisarm => Wide.Where(row => !row.Armed).MaxBy(row => row.ArmEpoch);

    private IEnumerable<ArmRow> Wide
    {
        get
        {
            if (All is not null)
            {
                yield return All;
            }

            if (Tenant is not null)
            {
                yield return Tenant;
            }

            if (Fleet is not null)
            {
                yield return Fleet;
            }
        }
    }

    /// <summary>From rows as they are stored.</summary>
    /// <param name="ownEpoch">The number of the fleet's own last change: of <c>requires_armed</c>.</param>
    /// <param name="rows">All rows that cover the fleet or a node of it, in any order.</param>
    public static FleetArms Of(long ownEpoch, ImmutableArray<ArmRow> rows)
    {
        var byLevel = rows.ToLookup(row => row.Scope.Level);
        return new FleetArms
        {
            Epoch = rows.Aggregate(ownEpoch, static (highest, row) => Math.Max(highest, row.ArmEpoch)),
            All = byLevel[ArmLevel.All].SingleOrDefault(),
            Tenant = byLevel[ArmLevel.Tenant].SingleOrDefault(),
            Fleet = byLevel[ArmLevel.Fleet].SingleOrDefault(),
            Nodes = byLevel[ArmLevel.Node].ToImmutableSortedDictionary(row => row.Scope.Node!, row => row, StringComparer.Ordinal),
        };
    }

    /// <summary>
    /// Whether a node is armed: no row that covers it disarms it, and one arms it. Where the fleet does not demand arming, a node of
    /// which nobody said anything is armed; a disarm holds there too, because whoever stops everything means everything.
    /// </summary>
    /// <param name="requiresArmed">Whether the fleet demands arming.</param>
    /// <param name="node">The node; null: one without a row of its own.</param>
    public bool IsArmed(bool requiresArmed, string? node) => Holds(requiresArmed, OwnRow(node) is { } own ? Wide.Append(own) : Wide);

    /// <summary>
    /// The same for a registered node. A member of a parity group is armed and disarmed with its group: what was said of it alone, before it
    /// joined, counts only where it disarms it.
    /// </summary>
    public bool IsNodeArmed(bool requiresArmed, NodeRecord node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.ParityGroup is null)
        {
            return IsArmed(requiresArmed, node.Node);
        }

        var rows = OwnRow(node.Unit) is { } group ? Wide.Append(group) : Wide;
        return Holds(requiresArmed, OwnRow(node.Node) is { Armed: false } own ? rows.Append(own) : rows);
    }

    /// <summary>The scopes that keep a node disarmed, widest first.</summary>
    /// <param name="node">The node; null: one without a row of its own.</param>
    public ImmutableArray<ArmScope> DisarmedBy(string? node) =>
    [
        .. Wide.Concat(OwnRow(node) is { } own ? [own] : []).Where(row => !row.Armed).Select(row => row.Scope),
    ];

    /// <summary>The later of two readings.</summary>
    public static FleetArms Later(FleetArms one, FleetArms other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        return other.Epoch > one.Epoch ? other : one;
    }

    private static bool Holds(bool requiresArmed, IEnumerable<ArmRow> rows)
    {
        var armed = !requiresArmed;
        foreach (var row in rows)
        {
            if (!row.Armed)
            {
                return false;
            }

            armed = true;
        }

        return armed;
    }

    private ArmRow? OwnRow(string? node) => node is null ? null : Nodes.GetValueOrDefault(node);
}
