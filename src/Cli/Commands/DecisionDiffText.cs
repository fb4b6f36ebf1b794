using OrleansPolicy.Decisions;
using OrleansPolicy.Review;
using Spectre.Console;

namespace OrleansPolicy.Cli.Commands;

/// <summary>Changed decisions for people: the most dangerous first, each with how many there are and one of them.</summary>
internal static class DecisionDiffText
{
    private const int GroupsShown = 30;

    public static void Print(CliOutput output, DecisionDiff diff, decimal? limit)
    {
        foreach (var kind in diff.Changes.Take(GroupsShown).GroupBy(c => c.Kind))
        {
            output.Line();
            output.Line((Title(kind.Key), ColorOf(kind.Key)));
            foreach (var change in kind)
            {
                Print(output, change);
            }
        }

        if (diff.Changes.Length > GroupsShown)
        {
            output.Line(($"... and {diff.Changes.Length - GroupsShown} more such groups (--json lists all)", Color.Grey));
        }

        output.Line();
        var passed = FailOverOption.Passes(limit, diff);
        output.Line((
            $"{(passed ? "" : "✗ ")}{diff.Changed} of {diff.Compared} requests decided differently ({Cli.Show.Percent(diff.ChangedPercentage)}"
            + $"{(limit is { } most ? $", limit {Cli.Show.Percent(most)}" : "")}); {diff.AnswersOnly} by another rule or for another reason only",
            passed ? null : Color.Red));
    }

    private static void Print(CliOutput output, DecisionChange change)
    {
        output.Line(
            ($"  {change.Count,6}×  ", null), (change.FromRule ?? change.Before.Reason, null), (" → ", Color.Grey), (change.ToRule ?? change.After.Reason, null));
        output.Line(("           " + RequestText.Of(change.Example), Color.Grey));
        output.Line(("           - ", Color.Red), (Answer(change.From, change.Before), Color.Red));
        output.Line(("           + ", Color.Green), (Answer(change.To, change.After), Color.Green));
    }

    private static string Answer(RuleEffect effect, Decision decision) => $"{Cli.Show.Word(effect)}: {decision.Reason}"
        + (decision.SuggestedAlternative is { } other ? $" ({other})" : "");

    private static string Title(DecisionChangeKind kind) => kind switch
    {
        DecisionChangeKind.DenyToAllow => "deny → allow",
        DecisionChangeKind.AllowToDeny => "allow → deny",
        DecisionChangeKind.ConfirmationToAllow => "require_confirmation → allow",
        DecisionChangeKind.AllowToConfirmation => "allow → require_confirmation",
        DecisionChangeKind.DenyToConfirmation => "deny → require_confirmation",
        DecisionChangeKind.ConfirmationToDeny => "require_confirmation → deny",
        DecisionChangeKind.AnswerOnly => "the same effect, by another rule or for another reason",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static Color ColorOf(DecisionChangeKind kind) => kind switch
    {
        DecisionChangeKind.DenyToAllow or DecisionChangeKind.ConfirmationToAllow => Color.Red,
        DecisionChangeKind.AllowToDeny => Color.Orange1,
        DecisionChangeKind.AnswerOnly => Color.Grey,
        _ => Color.Yellow,
    };
}
