namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>
/// A clock that runs, and can be put forward: windows and leases pass without waiting for them, while everything that paces itself
/// by timers goes on as it does in production.
/// </summary>
public sealed class SkippingClock : TimeProvider
{
    private readonly DateTimeOffset _start = DateTimeOffset.UtcNow;
    private readonly long _started = System.GetTimestamp();
    private long _skippedTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Skip(TimeSpan time) => Interlocked.Add(ref _skippedTicks, time.Ticks);

    public override DateTimeOffset GetUtcNow() => _start + TimeSpan.FromTicks(GetTimestamp());

    public override long GetTimestamp() => System.GetElapsedTime(_started).Ticks + Interlocked.Read(ref _skippedTicks);
}
