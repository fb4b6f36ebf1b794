using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Audit;

/// <summary>What a tenant's audit says of its rollouts over a time: the figures of a governance review, each told from entries alone.</summary>
/// <param name="From">The first moment that counts.</param>
/// <param name="To">The first that no longer does.</param>
/// <param name="Entries">How many entries that is.</param>
/// <param name="Total">All fleets together.</param>
/// <param name="Fleets">Each fleet of which anything is told, by name.</param>
public sealed record GovernanceReport(
    DateTimeOffset From, DateTimeOffset To, int Entries, FleetGovernance Total, ImmutableSortedDictionary<string, FleetGovernance> Fleets)
{
    /// <summary>The report over entries from one moment up to another.</summary>
    public static GovernanceReport Of(IEnumerable<AuditEntry> entries, DateTimeOffset from, DateTimeOffset to)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var drafts = entries.Select(entry => entry.Draft).Where(draft => draft.At >= from && draft.At < to).ToList();
        var byFleet = drafts.Where(draft => FleetOf(draft) is not null).GroupBy(draft => FleetOf(draft)!, StringComparer.Ordinal)
            .Select(fleet => (Name: fleet.Key, Figures: FleetGovernance.Of([.. fleet])))
            .Where(fleet => fleet.Figures != FleetGovernance.None)
            .ToImmutableSortedDictionary(fleet => fleet.Name, fleet => fleet.Figures, StringComparer.Ordinal);
        return new GovernanceReport(from, to, drafts.Count, FleetGovernance.Of(drafts), byFleet)
        {
            // Every entry of a rollout names the waiver it is under: that it used it is told once.
            Waivers = [.. drafts.SelectMany(WaiverStep.Of).DistinctBy(step => step.RolloutId is null ? (object)step : (step.WaiverId, step.RolloutId))],
        };
    }

    /// <summary>What was done with waivers and under them, oldest first.</summary>
    public ImmutableArray<WaiverStep> Waivers { get; init; } = [];

    private static string? FleetOf(AuditDraft draft) => draft.Subject.Split('/') is ["fleets", var fleet, ..] ? fleet : null;
}

/// <summary>One fleet's figures, or those of all.</summary>
public sealed record FleetGovernance
{
    /// <summary>Nothing happened.</summary>
    public static FleetGovernance None { get; } = new();

    /// <summary>Rollouts started.</summary>
    public int Started { get; init; }

    /// <summary>Rollouts completed (RWG-004), fast-tracks not counted.</summary>
    public int Completed { get; init; }

    /// <summary>Stages entered after one was passed (RWG-001).</summary>
    public int Advanced { get; init; }

    /// <summary>Pauses (RWG-002).</summary>
    public int Paused { get; init; }

    /// <summary>Rollouts taken back (RWG-003), those superseded by a fast-track among them.</summary>
    public int RolledBack { get; init; }

    /// <summary>Fleets brought back at once (RWG-003).</summary>
    public int FastTracked { get; init; }

    /// <summary>Approvals of a stage's end.</summary>
    public int Approvals { get; init; }

    /// <summary>Criteria that people attested.</summary>
    public int Attestations { get; init; }

    /// <summary>Ways back that were over, and how long they took from the acceptance of what caused them.</summary>
    public int WaysBack { get; init; }

    /// <summary>Their median, in milliseconds; null: there was none.</summary>
    public double? MedianMs { get; init; }

    /// <summary>The longest.</summary>
    public double? LongestMs { get; init; }

    /// <summary>How many of them took longer than their deadline.</summary>
    public int Overdue { get; init; }

    /// <summary>Waivers asked for.</summary>
    public int WaiversRequested { get; init; }

    /// <summary>Approvals given to waivers: two put one in force.</summary>
    public int WaiverApprovals { get; init; }

    /// <summary>Waivers taken back.</summary>
    public int WaiversRevoked { get; init; }

    /// <summary>Rollouts started under a waiver.</summary>
    public int StartedUnderWaiver { get; init; }

    /// <summary>Why rollouts were paused and taken back: how often each reason's code, such as <c>rollback.trigger=2</c>.</summary>
    public string Reasons { get; init; } = "";

    internal static FleetGovernance Of(IReadOnlyCollection<AuditDraft> drafts)
    {
        var stops = drafts.Where(draft => draft.Code is RolloutCodes.Paused or RolloutCodes.RolledBack).ToList();
        var times = drafts.Where(draft => draft.Action == "rollback.over").Select(OverMs).OfType<double>().Order().ToList();
        return new FleetGovernance
        {
            Started = Count("rollout.started"),
            Completed = Count("rollout.completed"),
            Advanced = drafts.Count(draft => draft.Code == RolloutCodes.Advanced),
            Paused = drafts.Count(draft => draft.Code == RolloutCodes.Paused),
            RolledBack = stops.Count(draft => draft.Action is "rollout.rolled_back" or "rollout.superseded"),
            FastTracked = Count("rollout.fast_track"),
            Approvals = Count("rollout.approved"),
            Attestations = Count("rollout.attested"),
            WaysBack = times.Count,
            MedianMs = times.Count == 0 ? null : (times[(times.Count - 1) / 2] + times[times.Count / 2]) / 2,
            LongestMs = times.Count == 0 ? null : times[^1],
            Overdue = drafts.Count(draft => draft.Action == "rollback.over" && draft.Detail?.GetValueOrDefault("overdue") == "true"),
            WaiversRequested = Count("waiver.requested"),
            WaiverApprovals = Count("waiver.approved"),
            WaiversRevoked = Count("waiver.revoked"),
            StartedUnderWaiver = drafts.Count(draft => draft.Action == "rollout.started" && draft.Detail?.ContainsKey("waiver") is true),
            Reasons = string.Join(
                ", ",
                stops.Select(draft => draft.Detail?.GetValueOrDefault("why")).OfType<string>().CountBy(why => why, StringComparer.Ordinal)
                    .OrderByDescending(why => why.Value).ThenBy(why => why.Key, StringComparer.Ordinal)
                    .Select(why => string.Create(CultureInfo.InvariantCulture, $"{why.Key}={why.Value}"))),
        };

        int Count(string action) => drafts.Count(draft => draft.Action == action);
    }

    private static double? OverMs(AuditDraft draft) =>
        double.TryParse(draft.Detail?.GetValueOrDefault("over_ms"), NumberStyles.Float, CultureInfo.InvariantCulture, out var ms) ? ms : null;
}
