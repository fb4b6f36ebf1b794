namespace OrleansPolicy.Grains.Rollouts;

/// <summary>What a process chooses for the rollouts that it starts.</summary>
public sealed class RolloutOptions
{
    /// <summary>How long a contract hour lasts, in seconds: 3,600, except in demos and tests. Stored in each rollout at its start.</summary>
    public double HourSeconds { get; set; } = 3600;
}
