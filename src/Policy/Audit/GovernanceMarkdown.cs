using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace OrleansPolicy.Audit;

/// <summary>A governance report as people read and file it.</summary>
public static class GovernanceMarkdown
{
    private static readonly (string Name, Func<FleetGovernance, string> Of)[] Rows =
    [
        ("rollouts started", fleet => Number(fleet.Started)),
        ("... under a waiver", fleet => Number(fleet.StartedUnderWaiver)),
        ("completed (RWG-004)", fleet => Number(fleet.Completed)),
        ("stages advanced (RWG-001)", fleet => Number(fleet.Advanced)),
        ("pauses (RWG-002)", fleet => Number(fleet.Paused)),
        ("taken back (RWG-003)", fleet => Number(fleet.RolledBack)),
        ("fast-tracks (RWG-003)", fleet => Number(fleet.FastTracked)),
        ("ways back that were over", fleet => Number(fleet.WaysBack)),
        ("time to roll back, median", fleet => Seconds(fleet.MedianMs)),
        ("time to roll back, longest", fleet => Seconds(fleet.LongestMs)),
        ("... beyond the deadline", fleet => Number(fleet.Overdue)),
        ("approvals of a stage", fleet => Number(fleet.Approvals)),
        ("attested criteria", fleet => Number(fleet.Attestations)),
        ("waivers asked for", fleet => Number(fleet.WaiversRequested)),
        ("waiver approvals", fleet => Number(fleet.WaiverApprovals)),
        ("waivers taken back", fleet => Number(fleet.WaiversRevoked)),
        ("why it paused or went back", fleet => fleet.Reasons.Length == 0 ? "-" : fleet.Reasons),
    ];

    /// <summary>Writes it: one column for all, one for each fleet.</summary>
    public static string Write(GovernanceReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Governance report\n\nFrom {Time(report.From)} up to {Time(report.To)}: {report.Entries} audit entries.\n\n");
        text.Append("| | all |").Append(string.Concat(report.Fleets.Keys.Select(name => $" {name} |"))).Append('\n');
        text.Append("|---|---|").Append(string.Concat(Enumerable.Repeat("---|", report.Fleets.Count))).Append('\n');
        foreach (var (name, of) in Rows)
        {
            text.Append("| ").Append(name).Append(" | ").Append(of(report.Total)).Append(" |");
            text.Append(string.Concat(report.Fleets.Values.Select(fleet => $" {of(fleet)} |"))).Append('\n');
        }

        WriteWaivers(text, report.Waivers);
        return text.ToString();
    }

    private static void WriteWaivers(StringBuilder text, ImmutableArray<WaiverStep> steps)
    {
        if (steps.IsEmpty)
        {
            return;
        }

        text.Append("\n## Waivers\n\n| at | fleet | waiver | what | by | why |\n|---|---|---|---|---|---|\n");
        foreach (var step in steps)
        {
            var what = step switch
            {
                { RolloutId: { } rollout } => $"used by {rollout} ({step.Action})",
                { Rule: { } rule } => $"{step.Action}: {rule}, until {step.ExpiresAt}",
                _ => step.Action,
            };
            text.Append("| ").AppendJoin(" | ", Time(step.At), step.Fleet, step.WaiverId, what, Cell(step.By), Cell(step.Reason)).Append(" |\n");
        }
    }

    // What people wrote stays within its cell.
    private static string Cell(string? text) =>
        string.IsNullOrEmpty(text) ? "-" : text.ReplaceLineEndings(" ").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(double? ms) => ms is { } value ? (value / 1_000).ToString("0.###", CultureInfo.InvariantCulture) + " s" : "-";

    private static string Time(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
