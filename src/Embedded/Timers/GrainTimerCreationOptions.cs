using System.Diagnostics.CodeAnalysis;

namespace Orleans.Runtime;

/// <summary>When a timer calls back and what that means for the activation.</summary>
public readonly struct GrainTimerCreationOptions()
{
    [SetsRequiredMembers]
    public GrainTimerCreationOptions(TimeSpan dueTime, TimeSpan period)
        : this() => (DueTime, Period) = (dueTime, period);

    public required TimeSpan DueTime { get; init; }

    /// <summary>From the end of one callback to the start of the next.</summary>
    public required TimeSpan Period { get; init; }

    /// <summary>Whether it may run while a request awaits.</summary>
    public bool Interleave { get; init; }

    /// <summary>Whether a callback counts as use of the activation.</summary>
    public bool KeepAlive { get; init; }
}
