namespace OrleansPolicy.Rollouts;

/// <summary>A bundle that a fleet is not offered again until somebody releases it.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="PolicyHash">The bundle.</param>
/// <param name="RolloutId">The rollout or fast-track that took it back.</param>
/// <param name="Reason">Why it was taken back.</param>
/// <param name="By">Who took it back.</param>
/// <param name="At">When.</param>
public sealed record QuarantinedBundle(string Fleet, string PolicyHash, string RolloutId, string Reason, string By, DateTimeOffset At);
