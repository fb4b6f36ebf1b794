using System.Collections.Immutable;
using OrleansPolicy.Review;

namespace OrleansPolicy.Fleets;

/// <summary>
/// What a node says of the bundle that it evaluates beside the one in force. A node that has not loaded it yet, or knows no such
/// thing, says nothing. The numbers count what happened since the node's previous report.
/// </summary>
public sealed record ShadowWord
{
    /// <summary>The bundle it evaluates, or cannot load.</summary>
    public required string PolicyHash { get; init; }

    /// <summary>Why it cannot load it, in the node's own words; null: it is loaded and evaluated.</summary>
    public string? Error { get; init; }

    /// <summary>Decisions that both bundles made.</summary>
    public long Compared { get; init; }

    /// <summary>Of these, for how many something else would have happened: another reason alone is none.</summary>
    public long Changed { get; init; }

    /// <summary>Decisions that were not evaluated a second time: there were too many at once, or they were too large to copy.</summary>
    public long Dropped { get; init; }

    /// <summary>What differed, by rule; at most <see cref="ReportRules.ShadowChangesMax"/>, the most frequent first.</summary>
    public ImmutableArray<ShadowChange> Changes { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>Two words of one node about one bundle, the earlier first.</summary>
    public static ShadowWord? Join(ShadowWord? earlier, ShadowWord? later) =>
        earlier is null || later is null || earlier.PolicyHash != later.PolicyHash
            ? later
            : later with
            {
                Compared = earlier.Compared + later.Compared,
                Changed = earlier.Changed + later.Changed,
                Dropped = earlier.Dropped + later.Dropped,
                Changes = ShadowChange.Sum(earlier.Changes.Concat(later.Changes), ReportRules.ShadowChangesMax),
            };
}

/// <summary>Decisions that differ in the same way.</summary>
/// <param name="Kind">What differs.</param>
/// <param name="FromRule">The rule that decided in force; null where none did. Cut to <see cref="ReportRules.NameLengthMax"/> characters.</param>
/// <param name="ToRule">The rule that would have decided; likewise.</param>
/// <param name="Count">How many decisions.</param>
public sealed record ShadowChange(DecisionChangeKind Kind, string? FromRule, string? ToRule, long Count)
{
    /// <summary>Adds up what differs alike, and keeps the most frequent; ties in a fixed order.</summary>
    public static ImmutableArray<ShadowChange> Sum(IEnumerable<ShadowChange> changes, int most) =>
    [
        .. changes.GroupBy(change => change with { Count = 0 })
            .Select(same => same.Key with { Count = same.Sum(change => change.Count) })
            .OrderByDescending(change => change.Count).ThenBy(change => change.Kind)
            .ThenBy(change => change.FromRule, StringComparer.Ordinal).ThenBy(change => change.ToRule, StringComparer.Ordinal)
            .Take(most),
    ];
}
