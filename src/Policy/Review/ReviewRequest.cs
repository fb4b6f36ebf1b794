using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>A request that rules are tried on: what was asked, and when.</summary>
/// <param name="CapabilityId">What the request wants to do.</param>
/// <param name="Context">Everything else about it; null counts as empty.</param>
/// <param name="Now">The moment that time windows are held against.</param>
public sealed record ReviewRequest(string CapabilityId, JsonElement? Context, DateTimeOffset Now)
{
    /// <summary>The same for a rule set.</summary>
    public DecisionRequest ToDecisionRequest() => new(CapabilityId, Context is { } context ? context : DecisionContext.Empty, Now);
}
