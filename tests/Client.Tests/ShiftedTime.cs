namespace OrleansPolicy.Client.Tests;

/// <summary>The real clock, whose monotonic time stamps a test can move forward: a lease then runs out at once instead of in 45 s.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _shift;

    public override long TimestampFrequency => System.TimestampFrequency;

    public override long GetTimestamp() => System.GetTimestamp() + Interlocked.Read(ref _shift);

    public void Pass(TimeSpan time) => Interlocked.Add(ref _shift, (long)(time.TotalSeconds * TimestampFrequency));
}
