namespace OrleansPolicy.Rollouts;

/// <summary>A moment by which something must have been looked at. A row, so that any silo finds it when the driver is gone.</summary>
/// <param name="Kind">What is due: <c>look</c>, or later kinds.</param>
/// <param name="DueAt">When.</param>
public sealed record RolloutDeadline(string Kind, DateTimeOffset DueAt);
