using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Commands;

/// <summary>A validated plan for people: one line and one bar for each stage, then everything that is wrong, with its place in the file.</summary>
internal static class PlanTable
{
    private const int BarChars = 40;

    public static void Print(CliOutput output, PlanFile plan, PlanVerdict verdict)
    {
        output.Line(verdict.Valid
            ? $"The plan is valid. At best {Show.Number(verdict.PlannedHours)} contract hours."
            : $"The plan is not valid: {verdict.Errors.Length} error{(verdict.Errors.Length == 1 ? "" : "s")}.");
        if (verdict.ShadowWindowHours is { } shadow)
        {
            output.Line($"Before the first stage every node evaluates the bundle beside the one in force, for {Show.Number(shadow)} contract hours more.");
        }

        if (verdict.InitialWindowHours is { } initial)
        {
            output.Line($"Stage {verdict.Stages[0].StageId} begins at the initial percentage, for {Show.Number(initial)} contract hours more.");
        }

        if (verdict.Stages.Length > 0)
        {
            var table = Show.Table("stage", "share", "", "nodes", "hours");
            foreach (var stage in verdict.Stages)
            {
                table.Row(
                    stage.StageId ?? "-", stage.TargetPercentage is { } share ? Show.Percent(share) : "-", Show.Bar(stage.TargetPercentage ?? 0, BarChars),
                    stage.Nodes is { } nodes ? Show.Number(nodes) : "-", stage.DurationHours is { } hours ? Show.Number(hours) : "-");
            }

            output.Table(table);
        }

        Problems(output, plan, verdict.Errors, "errors");
        Problems(output, plan, verdict.Warnings, "warnings");
    }

    private static void Problems(CliOutput output, PlanFile plan, IReadOnlyCollection<Problem> problems, string title)
    {
        if (problems.Count == 0)
        {
            return;
        }

        var table = Show.Table(title, plan.Name == "-" ? "line" : plan.Name, "path", "code");
        foreach (var problem in problems)
        {
            table.Row(problem.Message, plan.PlaceOf(problem) ?? "-", problem.Path, problem.Code);
        }

        output.Table(table);
    }
}
