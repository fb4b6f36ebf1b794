using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Waves;

/// <summary>A fleet of a wave, as it was found.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Step">Its step.</param>
/// <param name="Rollout">Its rollout; null: it has not begun.</param>
/// <param name="Back">The fast-track that took it back after its rollout was complete; null: none did.</param>
/// <param name="Refused">Why what the wave just asked of it was refused; null: it was not, or nothing was asked.</param>
public sealed record WaveFleet(string Fleet, int Step, RolloutState? Rollout = null, RolloutState? Back = null, Problem? Refused = null)
{
    /// <summary>Whether it runs the target: its rollout is complete, or it ran the bundle before its turn came.</summary>
    public bool IsThere => Rollout is { Phase: RolloutPhase.Complete } || Refused is { Code: RolloutProblems.AlreadyRunning };
}

/// <summary>What a wave can ask of a fleet.</summary>
public enum WaveOrder
{
    /// <summary>To start its rollout.</summary>
    Start,

    /// <summary>To pause it.</summary>
    Pause,

    /// <summary>To go on with it.</summary>
    Resume,

    /// <summary>To take it back while it is in flight.</summary>
    RollBack,

    /// <summary>To go back to what it ran before the wave, after its rollout was complete.</summary>
    FastTrack,
}
