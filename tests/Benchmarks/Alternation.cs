using System.Diagnostics;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// Measures ours and a baseline in turn, A B A B …, in one process and one run. On a shared machine the same code can vary by a
/// factor of two between minutes; only what was measured side by side can be compared, and only by medians and ratios.
/// </summary>
internal static class Alternation
{
    /// <summary>Nanoseconds per operation of both, over <paramref name="rounds"/> rounds of about <paramref name="roundTime"/> each.</summary>
    public static (Samples Ours, Samples Baseline) NanosecondsPerOperation(
        string ours, Action<int> runOurs, string baseline, Action<int> runBaseline, int rounds = 15, TimeSpan? roundTime = null)
    {
        var time = roundTime ?? TimeSpan.FromMilliseconds(200);
        var oursPerRound = Calibrate(runOurs, time);
        var baselinePerRound = Calibrate(runBaseline, time);
        var a = new List<double>(rounds);
        var b = new List<double>(rounds);
        for (var round = 0; round < rounds; round++)
        {
            a.Add(Nanoseconds(runOurs, oursPerRound));
            b.Add(Nanoseconds(runBaseline, baselinePerRound));
        }

        return (new Samples(ours, "ns/op", a), new Samples(baseline, "ns/op", b));
    }

    /// <summary>Bytes that one operation allocates on this thread.</summary>
    public static double BytesPerOperation(Action<int> run, int operations = 10_000)
    {
        run(operations);
        var before = GC.GetAllocatedBytesForCurrentThread();
        run(operations);
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)operations;
    }

    // Also the warm-up: by the time a round is long enough, tiered compilation has done its work.
    private static int Calibrate(Action<int> run, TimeSpan time)
    {
        for (var operations = 1; ; operations *= 2)
        {
            var start = Stopwatch.GetTimestamp();
            run(operations);
            if (Stopwatch.GetElapsedTime(start) >= time || operations >= 1 << 29)
            {
                return operations;
            }
        }
    }

    private static double Nanoseconds(Action<int> run, int operations)
    {
        var start = Stopwatch.GetTimestamp();
        run(operations);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / operations;
    }
}
