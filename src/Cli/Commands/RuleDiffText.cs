using System.Text.Json;
using OrleansPolicy.Review;
using Spectre.Console;

namespace OrleansPolicy.Cli.Commands;

/// <summary>Changed rules for people.</summary>
internal static class RuleDiffText
{
    private const int NamesShown = 6;

    public static void Print(CliOutput output, RuleDiff diff)
    {
        output.Line($"Rules: {diff.Added.Length} added, {diff.Removed.Length} removed, {diff.Changed.Length} changed, {diff.Moved.Length} moved");
        foreach (var change in diff.Bundle)
        {
            output.Line(("~ ", Color.Yellow), (Text(change), null));
        }

        foreach (var rule in diff.Added)
        {
            output.Line(("+ ", Color.Green), (Text(rule), Color.Green));
        }

        foreach (var rule in diff.Removed)
        {
            output.Line(("- ", Color.Red), (Text(rule), Color.Red));
        }

        foreach (var (rule, fields, data) in diff.Changed)
        {
            output.Line(("~ ", Color.Yellow), (rule, null));
            foreach (var field in fields)
            {
                output.Line("    " + Text(field));
            }

            if (!data.IsEmpty)
            {
                output.Line($"    looks at {string.Join(", ", data)}, which changed");
            }
        }

        foreach (var (rule, nowBefore, nowAfter) in diff.Moved)
        {
            output.Line(("↕ ", Color.Yellow), (rule, null), (nowBefore.IsEmpty ? "" : $"  now before {Names(nowBefore)}", null), (nowAfter.IsEmpty ? "" : $"  now after {Names(nowAfter)}", null));
        }
    }

    private static string Text(RuleSummary rule) => $"{rule.RuleId}  {Cli.Show.Word(rule.Effect)}{(rule.Priority == 0 ? "" : $", priority {rule.Priority}")}"
        + $"{(rule.Enabled ? "" : ", disabled")}: {rule.Reason}";

    private static string Text(FieldChange change) => (change.Before, change.After) switch
    {
        (null, { } after) => $"{change.Path}: + {Text(after)}",
        ({ } before, null) => $"{change.Path}: - {Text(before)}",
        var (before, after) => $"{change.Path}: {Text(before!.Value)} → {Text(after!.Value)}",
    };

    private static string Text(JsonElement value) => JsonSerializer.Serialize(value, PolicyJson.Options);

    private static string Names(IReadOnlyCollection<string> names) =>
        string.Join(", ", names.Take(NamesShown)) + (names.Count > NamesShown ? $" and {names.Count - NamesShown} more" : "");
}
