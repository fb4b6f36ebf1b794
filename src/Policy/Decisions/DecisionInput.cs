namespace OrleansPolicy.Decisions;

/// <summary>One element of <c>inputs</c>: what is asked.</summary>
/// <param name="CapabilityId">What the request wants to do, such as <c>orders.refund</c>.</param>
/// <param name="Context">Everything else about the request; null counts as empty.</param>
public sealed record DecisionInput(string CapabilityId, DecisionContext? Context);
