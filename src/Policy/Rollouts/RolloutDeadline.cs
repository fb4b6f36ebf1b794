namespace OrleansPolicy.Rollouts;

/// <summary>A moment by which something must have been looked at. A row, so that any silo finds it when the driver is gone.</summary>
/// <param name="Kind">What is due: <see cref="Look"/> or <see cref="Rollback"/>.</param>
/// <param name="DueAt">When.</param>
public sealed record RolloutDeadline(string Kind, DateTimeOffset DueAt)
{
    /// <summary>Somebody must have looked at the rollout.</summary>
    public const string Look = "look";

    /// <summary>Its way back must be over.</summary>
    public const string Rollback = "rollback";
}
