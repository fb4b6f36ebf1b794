using System.Text.Json;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary>A validated plan for people: one line and one bar for each stage, then everything that is wrong.</summary>
internal static class PlanTable
{
    private const int BarChars = 40;

    public static void Print(CliOutput output, JsonElement plan, PlanVerdict verdict)
    {
        output.Line(verdict.Valid
            ? $"The plan is valid. At best {Show.Number(verdict.PlannedHours)} contract hours."
            : $"The plan is not valid: {verdict.Errors.Length} error{(verdict.Errors.Length == 1 ? "" : "s")}.");
        if (verdict.Stages.Length > 0)
        {
            var hours = Hours(plan);
            var table = Show.Table("stage", "share", "", "nodes", "hours");
            foreach (var stage in verdict.Stages)
            {
                table.Row(
                    stage.StageId, Show.Percent(stage.TargetPercentage), Show.Bar(stage.TargetPercentage, BarChars),
                    stage.Nodes is { } nodes ? Show.Number(nodes) : "-", hours.GetValueOrDefault(stage.StageId, "-"));
            }

            output.Table(table);
        }

        output.Problems(verdict.Errors);
        output.Problems(verdict.Warnings, "warnings");
    }

    /// <summary>The planned hours by stage, where the plan is sound enough to have some.</summary>
    private static Dictionary<string, string> Hours(JsonElement plan)
    {
        var hours = new Dictionary<string, string>(StringComparer.Ordinal);
        if (plan.ValueKind == JsonValueKind.Object && plan.TryGetProperty("wedge_stages", out var stages) && stages.ValueKind == JsonValueKind.Array)
        {
            foreach (var stage in stages.EnumerateArray().Where(s => s.ValueKind == JsonValueKind.Object))
            {
                if (stage.TryGetProperty("stage_id", out var id) && id.ValueKind == JsonValueKind.String
                    && stage.TryGetProperty("duration_hours", out var duration) && duration.ValueKind == JsonValueKind.Number)
                {
                    hours[id.GetString()!] = duration.GetRawText();
                }
            }
        }

        return hours;
    }
}
