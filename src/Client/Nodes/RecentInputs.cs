using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>
/// A few recent inputs, kept now and then and shown to nobody: a new rule set is run over them before it is put in force, so that the
/// first real decision finds it warm.
/// </summary>
internal sealed class RecentInputs(int capacity, TimeProvider time)
{
    /// <summary>A larger context is not worth its memory.</summary>
    private const int ContextBytesMax = 64 * 1024;

    private static readonly TimeSpan SampleEvery = TimeSpan.FromMilliseconds(50);

    private readonly DecisionInput?[] _ring = new DecisionInput?[capacity];
    private readonly long _ticksBetween = (long)(SampleEvery.TotalSeconds * time.TimestampFrequency);
    private long _nextAt = capacity == 0 ? long.MaxValue : long.MinValue;
    private int _next = -1;

    /// <summary>Kept if it is time for one; else this costs one comparison.</summary>
    public void Offer(string capabilityId, DecisionContext? context, long timestamp)
    {
        var nextAt = Volatile.Read(ref _nextAt);
        if (timestamp >= nextAt && Interlocked.CompareExchange(ref _nextAt, timestamp + _ticksBetween, nextAt) == nextAt
            && (context ?? DecisionContext.Empty).Size <= ContextBytesMax)
        {
            Volatile.Write(ref _ring[(Interlocked.Increment(ref _next) & int.MaxValue) % _ring.Length], new DecisionInput(capabilityId, context));
        }
    }

    /// <summary>What is kept now.</summary>
    public IReadOnlyList<DecisionInput> Read() => [.. _ring.OfType<DecisionInput>()];
}
