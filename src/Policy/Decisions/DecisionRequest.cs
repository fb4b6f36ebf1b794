namespace OrleansPolicy.Decisions;

/// <summary>One request to decide.</summary>
/// <param name="CapabilityId">What the request wants to do.</param>
/// <param name="Context">Everything else about it; null counts as empty.</param>
/// <param name="Now">The moment that time windows are held against.</param>
public readonly record struct DecisionRequest(string CapabilityId, DecisionContext? Context, DateTimeOffset Now);
