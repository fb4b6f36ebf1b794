using System.Globalization;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>The table of <c>docs/RELIABILITY.md</c>, from runs of however many sittings.</summary>
internal static class FaultTable
{
    public static void Write(TextWriter to, IReadOnlyList<FaultRun> runs)
    {
        to.WriteLine("| what broke | agents | runs: stage, rollback | decisions refused | longest refusal | next stage late (median, max) | asked back to last ACK (median, max) | stages skipped or doubled | audit entries lost |");
        to.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var kind in FaultKind.All)
        {
            foreach (var group in runs.Where(run => run.Kind == kind.Name).GroupBy(run => run.Agents).OrderBy(group => group.Key))
            {
                FaultRun[] all = [.. group];
                to.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {kind.What} | {group.Key:N0} | {Runs(FaultRun.InAStage)}, {Runs(FaultRun.AtARollback)} | {all.Sum(run => run.Refused):N0} of {all.Sum(run => run.Decisions):N0} | {all.Max(run => run.LongestRefusalSeconds):0.00} s | {Both(all.Select(run => run.NextStageLateSeconds))} | {Both(all.Select(run => run.BackSeconds))} | {all.Sum(run => run.StagesWrong)} | {all.Sum(run => run.AuditLost)} |"));

                int Runs(string instant) => all.Count(run => run.Instant == instant);
            }
        }

        if (runs.Select(run => run.SiloStartSeconds).OfType<double>().ToArray() is { Length: > 0 } starts)
        {
            to.WriteLine();
            to.WriteLine($"A silo that was started again, until it served: {Both(starts.Select(start => (double?)start))} (median, max of the slowest of each run).");
        }

        to.WriteLine();
        to.WriteLine($"Commits {Each(run => run.Commit)}; engine {Each(run => run.Engine)}; {Each(run => run.Processors.ToString(CultureInfo.InvariantCulture))} processors; {Each(run => run.At.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))}.");

        string Each(Func<FaultRun, string> what) => string.Join(", ", runs.Select(what).Distinct(StringComparer.Ordinal));
    }

    private static string Both(IEnumerable<double?> seconds) => seconds.OfType<double>().ToArray() is { Length: > 0 } known
        ? string.Create(CultureInfo.InvariantCulture, $"{new Samples("", "s", known).Median:0.00} s, {known.Max():0.00} s")
        : "";
}
