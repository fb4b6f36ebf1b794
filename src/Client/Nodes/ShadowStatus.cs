namespace OrleansPolicy.Client;

/// <summary>How a node fares with the bundle that it evaluates beside the one in force (docs/ROLLOUTS.md, the shadow stage).</summary>
/// <param name="PolicyHash">The bundle.</param>
/// <param name="Error">Why it cannot be loaded; null: it is evaluated.</param>
/// <param name="Compared">Decisions that both bundles made.</param>
/// <param name="Changed">Of these, for how many something else would have happened.</param>
/// <param name="Dropped">Decisions that were not made a second time: too many at once, or too large to copy.</param>
public sealed record ShadowStatus(string PolicyHash, string? Error, long Compared, long Changed, long Dropped);
