using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Policy.Tests.Audit;

public sealed class GovernanceReportTests
{
    private static readonly DateTimeOffset T0 = new(2026, 10, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly ImmutableArray<AuditDraft> Quarter =
    [
        Did("rollout.started", "edge", null, 0),
        Did("rollout.started", "edge", null, 1, ("waiver", "w1")),
        Did("rollout.advanced", "edge", "RWG-001", 2),
        Did("rollout.paused", "edge", "RWG-002", 3, ("why", "pause.three_windows")),
        Did("rollout.paused", "edge", "RWG-002", 4, ("why", "pause.operator")),
        Did("rollout.paused", "core", "RWG-002", 4, ("why", "pause.operator")),
        Did("rollout.approved", "edge", null, 5),
        Did("rollout.attested", "edge", null, 5),
        Did("rollout.completed", "edge", "RWG-004", 6),
        Did("rollout.rolled_back", "edge", "RWG-003", 7, ("why", "rollback.trigger")),
        Did("rollback.over", "edge", null, 8, ("over_ms", "1500"), ("overdue", "false")),
        Did("rollout.fast_track", "core", "RWG-003", 9, ("why", "rollback.fast_track")),
        Did("rollout.superseded", "core", "RWG-003", 9, ("why", "rollback.superseded")),
        Did("rollback.over", "core", "RWG-004", 10, ("over_ms", "70000.5"), ("overdue", "true")),
        Did("rollback.over", "core", null, 10),
        new AuditDraft { At = T0.AddDays(11), Actor = "ada", Action = "waiver.requested", Subject = "fleets/edge/waivers/w1" },
        new AuditDraft { At = T0.AddDays(11), Actor = "bob", Action = "waiver.approved", Subject = "fleets/edge/waivers/w1" },
        new AuditDraft { At = T0.AddDays(11), Actor = "eve", Action = "waiver.approved", Subject = "fleets/edge/waivers/w1" },
        new AuditDraft { At = T0.AddDays(11), Actor = "ada", Action = "waiver.revoked", Subject = "fleets/edge/waivers/w1" },
        new AuditDraft { At = T0.AddDays(12), Actor = "ada", Action = "bundle.published", Subject = "bundles/1.0.0" },
        Did("fleet.created", "quiet", null, 12),
        Did("rollout.started", "edge", null, 92),
        Did("rollout.started", "edge", null, -1),
    ];

    [Fact]
    public void It_counts_what_happened_in_its_time_by_fleet_and_in_all()
    {
        var report = Report();

        Assert.Equal(21, report.Entries);
        Assert.Equal(["core", "edge"], report.Fleets.Keys);
        Assert.Equal(
            new FleetGovernance
            {
                Started = 2,
                StartedUnderWaiver = 1,
                Completed = 1,
                Advanced = 1,
                Paused = 2,
                RolledBack = 1,
                Approvals = 1,
                Attestations = 1,
                WaysBack = 1,
                MedianMs = 1_500,
                LongestMs = 1_500,
                WaiversRequested = 1,
                WaiverApprovals = 2,
                WaiversRevoked = 1,
                Reasons = "pause.operator=1, pause.three_windows=1, rollback.trigger=1",
            },
            report.Fleets["edge"]);
        Assert.Equal((1, 1, 1, 1), (report.Fleets["core"].FastTracked, report.Fleets["core"].RolledBack, report.Fleets["core"].Overdue, report.Fleets["core"].Paused));
        Assert.Equal((2, 2, 35_750.25, 70_000.5, 3), (report.Total.RolledBack, report.Total.WaysBack, report.Total.MedianMs, report.Total.LongestMs, report.Total.Paused));
        Assert.StartsWith("pause.operator=2, ", report.Total.Reasons, StringComparison.Ordinal);
    }

    [Fact]
    public void As_Markdown_it_has_a_column_for_all_and_one_for_each_fleet()
    {
        var lines = GovernanceMarkdown.Write(Report()).Split('\n');

        Assert.Equal("From 2026-10-01T00:00:00Z up to 2026-12-31T00:00:00Z: 21 audit entries.", lines[2]);
        Assert.Equal("| | all | core | edge |", lines[4]);
        Assert.Contains("| time to roll back, longest | 70.001 s | 70.001 s | 1.5 s |", lines);
        Assert.Contains("| ... under a waiver | 1 | 0 | 1 |", lines);
    }

    [Fact]
    public void The_trail_of_each_waiver_is_in_it()
    {
        ImmutableArray<AuditDraft> drafts =
        [
            Waiver("ada", "waiver.requested", 1, "three | nodes\nonly", ("rule", "multi_stage"), ("expires_at", "2026-12-01T00:00:00Z")),
            Waiver("bob", "waiver.approved", 2, "small", ("approvals", "1")),
            Waiver("eve", "waiver.approved", 3, "fine", ("approvals", "2")),
            Did("rollout.started", "edge", null, 4, ("waiver", "w1")),
            Did("rollout.advanced", "edge", "RWG-001", 5, ("waiver", "w1"), ("freeze_waiver", "w2")),
            Did("rollout.completed", "edge", "RWG-004", 6, ("waiver", "w1"), ("freeze_waiver", "w2")),
            Waiver("ada", "waiver.revoked", 7, null),
            Did("rollout.started", "core", null, 8),
        ];

        var report = GovernanceReport.Of(Chained(drafts), T0, T0.AddDays(91));

        Assert.Equal(
            [
                new WaiverStep(T0.AddDays(1), "edge", "w1", "waiver.requested", "ada", "multi_stage", "2026-12-01T00:00:00Z", null, "three | nodes\nonly"),
                new WaiverStep(T0.AddDays(2), "edge", "w1", "waiver.approved", "bob", null, null, null, "small"),
                new WaiverStep(T0.AddDays(3), "edge", "w1", "waiver.approved", "eve", null, null, null, "fine"),
                new WaiverStep(T0.AddDays(4), "edge", "w1", "rollout.started", "ada", null, null, "r1", null),
                new WaiverStep(T0.AddDays(5), "edge", "w2", "rollout.advanced", "ada", null, null, "r1", null),
                new WaiverStep(T0.AddDays(7), "edge", "w1", "waiver.revoked", "ada", null, null, null, null),
            ],
            report.Waivers);
        var lines = GovernanceMarkdown.Write(report).Split('\n');
        Assert.Contains("| 2026-10-02T00:00:00Z | edge | w1 | waiver.requested: multi_stage, until 2026-12-01T00:00:00Z | ada | three \\| nodes only |", lines);
        Assert.Contains("| 2026-10-05T00:00:00Z | edge | w1 | used by r1 (rollout.started) | ada | - |", lines);
        Assert.Contains("| 2026-10-08T00:00:00Z | edge | w1 | waiver.revoked | ada | - |", lines);
    }

    [Fact]
    public void Of_nothing_it_says_nothing()
    {
        var report = GovernanceReport.Of([], T0, T0.AddDays(1));

        Assert.Equal((0, FleetGovernance.None), (report.Entries, report.Total));
        Assert.Empty(report.Fleets);
        Assert.Empty(report.Waivers);
        Assert.DoesNotContain("## Waivers", GovernanceMarkdown.Write(report), StringComparison.Ordinal);
        Assert.Contains("| time to roll back, median | - |", GovernanceMarkdown.Write(report), StringComparison.Ordinal);
        Assert.Contains("| why it paused or went back | - |", GovernanceMarkdown.Write(report), StringComparison.Ordinal);
    }

    private static GovernanceReport Report() => GovernanceReport.Of(Chained(Quarter), T0, T0.AddDays(91));

    private static List<AuditEntry> Chained(ImmutableArray<AuditDraft> drafts)
    {
        var head = AuditHead.Empty;
        var entries = new List<AuditEntry>();
        foreach (var draft in drafts)
        {
            entries.Add(AuditChain.Append(head, draft));
            head = new AuditHead(entries[^1].Seq, entries[^1].Hash);
        }

        return entries;
    }

    private static AuditDraft Waiver(string by, string action, int day, string? reason, params (string Name, string Value)[] detail) =>
        Did(action, "edge", null, day, detail) with { Actor = by, Subject = "fleets/edge/waivers/w1", Reason = reason };

    private static AuditDraft Did(string action, string fleet, string? code, int day, params (string Name, string Value)[] detail) => new()
    {
        At = T0.AddDays(day),
        Actor = "ada",
        Action = action,
        Subject = $"fleets/{fleet}/rollouts/r1",
        Code = code,
        Detail = detail.Length == 0 ? null : detail.ToImmutableSortedDictionary(pair => pair.Name, pair => pair.Value),
    };
}
