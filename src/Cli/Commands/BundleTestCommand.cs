using System.CommandLine;
using System.Text.Json;
using OrleansPolicy.Review;
using Spectre.Console;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl bundle test</c>: lets a bundle make the decisions that lie beside it.</summary>
internal static class BundleTestCommand
{
    private const string Ending = ".json";
    private const int UnreachedShown = 20;

    public static Command Create(CliHost host)
    {
        var file = BundleSource.FileArgument();
        var decisions = new Option<string?>("--decisions", "-d")
        {
            Description = "The decisions (default: NAME.decisions.json beside the bundle NAME.json, else decisions.json).",
            HelpName = "file",
        };
        var coverage = new Option<decimal?>("--min-coverage") { Description = "The share of the enabled rules that must decide something.", HelpName = "percent" };
        return new Command(
            "test",
            """
            Let a bundle make the decisions that lie beside it, and say which come out otherwise and which rules none reached. Needs no control
            plane. Exit code 1: one comes out otherwise, or too few rules decide.

              policyctl bundle test examples/gateway-policy/policy.json
              policyctl bundle test policy.json --decisions more.json --min-coverage 80
            """)
        {
            file, decisions, coverage,
        }.Does(host, async (context, cancellationToken) =>
        {
            var path = context.Get(file);
            var bundle = await BundleSource.ReadFileAsync(context, path, cancellationToken);
            var from = context.Get(decisions) ?? Beside(path);
            var tests = DecisionTestReader.Read(await CliFiles.ReadAsync(from, host, cancellationToken), LabelOf(path));
            var run = tests.Succeeded ? DecisionTestRun.Of(bundle, tests.Value) : tests.As<DecisionTestRun>();
            if (!run.Succeeded)
            {
                throw new InvalidInputException("cli.decisions_invalid", $"{from} holds no valid decisions.", run.Problems);
            }

            var (result, least) = (run.Value, context.Get(coverage) ?? 0);
            var passed = result.Failures.IsEmpty && result.Coverage.Percentage >= least;
            context.Output.Answer(Json(result, passed, from), o => Print(o, result, least));
            return passed ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    /// <summary><c>policy.v2.json</c> is the variant <c>v2</c> of <c>policy.json</c>.</summary>
    private static string? LabelOf(string bundle)
    {
        var name = Path.GetFileName(bundle);
        name = name.EndsWith(Ending, StringComparison.OrdinalIgnoreCase) ? name[..^Ending.Length] : name;
        return name.LastIndexOf('.') is > 0 and var dot ? name[(dot + 1)..] : null;
    }

    private static string Beside(string bundle)
    {
        if (bundle == "-")
        {
            throw CliException.Usage("A bundle from standard input has nothing beside it: give --decisions.");
        }

        var folder = Path.GetDirectoryName(bundle) ?? "";
        string[] names = [Path.Combine(folder, Path.GetFileNameWithoutExtension(bundle) + ".decisions.json"), Path.Combine(folder, "decisions.json")];
        return names.FirstOrDefault(File.Exists)
            ?? throw CliException.File($"Beside {bundle} lies neither {Path.GetFileName(names[0])} nor decisions.json: give --decisions.");
    }

    private static object Json(DecisionTestRun run, bool passed, string from) => new
    {
        Passed = passed,
        Decisions = from,
        Count = run.Passed + run.Failures.Length,
        AsExpected = run.Passed,
        run.Failures,
        Coverage = new { Rules = run.Coverage.Rules.Length, run.Coverage.Reached, run.Coverage.Percentage, run.Coverage.ByDefault, ByRule = run.Coverage.Rules },
    };

    private static void Print(CliOutput output, DecisionTestRun run, decimal least)
    {
        foreach (var failure in run.Failures)
        {
            output.Line(("✗ ", Color.Red), ($"{failure.Position}  {failure.Name ?? failure.Request.CapabilityId}", null));
            output.Line(($"    {RequestText.Of(failure.Request)}", Color.Grey));
            foreach (var (field, expected, got) in failure.Differences)
            {
                output.Line(("    - ", Color.Red), ($"{field}: {Text(expected)}", Color.Red));
                output.Line(("    + ", Color.Green), ($"{field}: {Text(got)}", Color.Green));
            }

            if (failure.Differences.All(d => d.Field != "rule_id"))
            {
                output.Line(($"    decided by {failure.Decision.RuleId ?? "no rule"}: {failure.Decision.Reason}", Color.Grey));
            }
        }

        var count = run.Passed + run.Failures.Length;
        output.Line(run.Failures.IsEmpty
            ? ($"✓ {Counted(count, "decision")} as expected", Color.Green)
            : ($"✗ {run.Failures.Length} of {Counted(count, "decision")} came out otherwise (- expected, + got)", Color.Red));
        PrintCoverage(output, run.Coverage, least);
    }

    private static void PrintCoverage(CliOutput output, RuleCoverage coverage, decimal least)
    {
        var isEnough = coverage.Percentage >= least;
        output.Line((
            $"{(isEnough ? "✓" : "✗")} {coverage.Reached} of {Counted(coverage.Rules.Length, "enabled rule")} decided something ({Cli.Show.Percent(coverage.Percentage)}"
            + $"{(isEnough ? "" : $", wanted {Cli.Show.Percent(least)}")}); {Counted(coverage.ByDefault, "decision")} by no rule",
            isEnough ? null : Color.Red));
        var unreached = coverage.Rules.Where(r => r.Count == 0).Select(r => r.RuleId).ToArray();
        if (unreached.Length > 0)
        {
            var more = unreached.Length > UnreachedShown ? $" and {unreached.Length - UnreachedShown} more (--json lists all)" : "";
            output.Line(($"  never: {string.Join(", ", unreached.Take(UnreachedShown))}{more}", Color.Grey));
        }
    }

    private static string Counted(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static string Text(JsonElement value) => value.GetRawText();
}
