using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>Every attempt to put a bundle in force, however it was brought: counted for ever, the last ten to look back on.</summary>
internal sealed class ReloadLog(PolicyNodeOptions options)
{
    /// <summary>Attempts that are kept to look back on. The counters are true ones and not computed from these.</summary>
    public const int HistoryMax = 10;

    private ReloadRecord? _unreported;
    private ReloadCounts _counts = new(0, 0, 0, []);

    public ReloadCounts Counts => Volatile.Read(ref _counts);

    /// <summary>The last attempt that no report has told of yet.</summary>
    public ReloadRecord? TakeUnreported() => Interlocked.Exchange(ref _unreported, null);

    public void Remember(ReloadRecord record)
    {
        Interlocked.Exchange(ref _unreported, record);
        ReloadCounts before, after;
        do
        {
            before = Counts;
            var history = before.History.Insert(0, record);
            after = new ReloadCounts(
                before.Attempts + 1, before.Succeeded + (record.Success ? 1 : 0), before.Failed + (record.Success ? 0 : 1),
                history.Length > HistoryMax ? history[..HistoryMax] : history)
            {
                DurationMs = before.DurationMs + record.DurationMs,
            };
        }
        while (Interlocked.CompareExchange(ref _counts, after, before) != before);

        NodeMeter.Reloaded(options, record);
        try
        {
            options.OnReload?.Invoke(record);
        }
        catch (Exception)
        {
            // What an application does with it must not undo a swap.
        }
    }
}

/// <summary>A node's reloads since its start.</summary>
/// <param name="Attempts">How many were tried.</param>
/// <param name="Succeeded">Of these, how many put a bundle in force.</param>
/// <param name="Failed">Of these, how many did not.</param>
/// <param name="History">The last ten, newest first.</param>
public sealed record ReloadCounts(long Attempts, long Succeeded, long Failed, ImmutableArray<ReloadRecord> History)
{
    /// <summary>What all attempts took together, in milliseconds.</summary>
    public double DurationMs { get; init; }
}
