namespace OrleansPolicy.Fleets;

/// <summary>Requests that a node refused for one reason since its previous report: counted, because a node that must not serve refuses them all.</summary>
/// <param name="Reason">The code, such as <c>decide.disarmed</c>.</param>
/// <param name="Count">How many; 1 or more.</param>
/// <param name="ExpectedHash">At the last of them: what the node should run.</param>
/// <param name="GotHash">And what it had.</param>
/// <param name="At">When the last of them was, on the node's clock.</param>
public sealed record RejectedDecisions(string Reason, long Count, string? ExpectedHash, string? GotHash, DateTimeOffset At);
