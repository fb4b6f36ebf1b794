using System.CommandLine;
using OrleansPolicy.Review;
using Spectre.Console;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl bundle lint</c>: finds rules that do nothing.</summary>
internal static class BundleLintCommand
{
    public static Command Create(CliHost host)
    {
        var file = BundleSource.FileArgument();
        var strict = new Option<bool>("--strict") { Description = "Notes count too." };
        return new Command(
            "lint",
            """
            Find rules that can never match, because earlier ones always do or because their conditions contradict each other, and what else
            does nothing. Reports only what holds for every request there is. Needs no control plane. Exit code 1: there is a warning.

              policyctl bundle lint examples/gateway-policy/policy.json
            """)
        {
            file, strict,
        }.Does(host, async (context, cancellationToken) =>
        {
            var bundle = await BundleSource.ReadFileAsync(context, context.Get(file), cancellationToken);
            var report = RuleLint.Examine(bundle, DateTimeOffset.UtcNow);
            var passed = !report.Findings.Any(f => f.Severity == LintSeverity.Warning || context.Get(strict));
            context.Output.Answer(new { Passed = passed, report.Rules, report.Unexamined, report.Findings }, o => Print(o, report));
            return passed ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    private static void Print(CliOutput output, LintReport report)
    {
        foreach (var finding in report.Findings)
        {
            var isWarning = finding.Severity == LintSeverity.Warning;
            output.Line(
                (isWarning ? "warning " : "note    ", isWarning ? Color.Yellow : Color.Grey),
                ($"{finding.Code,-26} ", null), (finding.Path, Color.Grey), ($"  {finding.Message}", null));
        }

        var warnings = report.Findings.Count(f => f.Severity == LintSeverity.Warning);
        output.Line((
            $"{(warnings == 0 ? "✓" : "✗")} {Counted(report.Rules, "enabled rule")}, {Counted(warnings, "warning")}, {Counted(report.Findings.Length - warnings, "note")}"
            + (report.Unexamined > 0 ? $"; not examined, for too many alternatives: {Counted(report.Unexamined, "rule")}" : ""),
            warnings == 0 ? Color.Green : Color.Yellow));
    }

    private static string Counted(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}
