namespace OrleansPolicy.Silo.Hosting;

/// <summary>
/// Gives memory back after a burst. When ten thousand polls are answered and asked anew, what they held has outlived the young
/// generations, and the collector keeps the room for the next time, which may be next week. One full, compacting collection, at most
/// once a minute and only when the burst is over, costs a pause of tenths of a second.
/// </summary>
internal sealed partial class HeapTrimmer(TimeProvider time, ILogger<HeapTrimmer> logger) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TrimEvery = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var gauge = new BurstGauge();
        var allocated = GC.GetTotalAllocatedBytes();
        var trimmed = long.MinValue;
        while (true)
        {
            await Task.Delay(LookEvery, time, stoppingToken);
            var before = allocated;
            allocated = GC.GetTotalAllocatedBytes();
            var isOver = gauge.IsOver(Held(), allocated - before);
            if (isOver && (trimmed == long.MinValue || time.GetElapsedTime(trimmed) >= TrimEvery))
            {
                trimmed = time.GetTimestamp();
                Trim(gauge);
            }
        }
    }

    private void Trim(BurstGauge gauge)
    {
        var (began, held) = (time.GetTimestamp(), Held());
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        gauge.Trimmed(Held());
        LogTrimmed(held >> 20, Held() >> 20, time.GetElapsedTime(began).TotalMilliseconds);
    }

    private static long Held() => GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;

    [LoggerMessage(1, LogLevel.Information, "The heap was trimmed from {Before} to {After} MB in {Took:0} ms.")]
    private partial void LogTrimmed(long before, long after, double took);
}
