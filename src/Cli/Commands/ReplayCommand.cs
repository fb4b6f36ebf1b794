using System.CommandLine;
using OrleansPolicy.Decisions;
using OrleansPolicy.Review;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl replay</c>: makes the decisions of a log again under another bundle.</summary>
internal static class ReplayCommand
{
    public static Command Create(CliHost host)
    {
        var log = new Argument<string>("log") { Description = "The decision log: a JSON object a line; - is standard input." };
        var bundle = new Option<string>("--bundle", "-b")
        {
            Description = "The bundle's file, or its reference on the control plane (a hash, a version, tag:NAME, tag:NAME@FLEET).",
            Required = true,
            HelpName = "file or ref",
        };
        var failOver = FailOverOption.Create();
        return new Command(
            "replay",
            """
            Make the decisions of a log again under another bundle, at the times at which they were made, and list what comes out differently.
            Decides here, without the control plane, unless the bundle is to be fetched from it. A gate before a rollout with --fail-over.

              policyctl replay decisions.jsonl --bundle policy.v2.json --fail-over 0.1%
              policyctl replay decisions.jsonl --bundle tag:next
            """)
        {
            log, bundle, failOver,
        }.Does(host, async (context, cancellationToken) =>
        {
            var limit = FailOverOption.Read(context.Get(failOver));
            var read = await BundleSource.ReadAsync(context, context.Required(bundle), cancellationToken);
            var replay = new DecisionReplay(RuleSet.Compile(read).Value!);
            await foreach (var line in CliLines.ReadRecordsAsync(context.Get(log), host, cancellationToken))
            {
                replay.Add(line);
            }

            var report = replay.ToReport();
            var passed = FailOverOption.Passes(limit, report.Diff);
            context.Output.Answer(
                new { Passed = passed, Bundle = new { read.Metadata.Version, read.PolicyHash }, Replay = report },
                o => Print(o, report, read.Metadata.Version, limit));
            return passed ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    private static void Print(CliOutput output, ReplayReport report, string version, decimal? limit)
    {
        var by = string.Join(", ", report.ByVersion.Select(v => $"{v.Value} by {v.Key}"));
        output.Line($"{report.Diff.Compared} of {report.Records} decisions made again under {version}{(by.Length > 0 ? $" (made {by})" : "")}");
        string[] left =
        [
            .. Counted(report.Masked, "with a masked context"), .. Counted(report.Dropped, "without their context"),
            .. Counted(report.Refused, "refused by the node, under no bundle"),
            .. Counted(report.Lost, "that the log says it lost"),
            .. Counted(report.Unreadable, $"that are no records, the first in line {report.FirstUnreadable}"),
        ];
        if (left.Length > 0)
        {
            output.Line("Left out: " + string.Join("; ", left));
        }

        DecisionDiffText.Print(output, report.Diff, limit);
    }

    private static IEnumerable<string> Counted(long count, string what) => count > 0 ? [$"{count} {what}"] : [];
}
