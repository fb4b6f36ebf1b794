using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>A node's answer, with what it was made under.</summary>
/// <param name="Decision">The decision. Where the node must not serve: a denial with a reason of <c>decide.*</c>.</param>
/// <param name="PolicyVersion">The version that decided; null where none did.</param>
/// <param name="PolicyHash">The hash that decided; null where none did.</param>
/// <param name="Epoch">The highest epoch the node had heard.</param>
/// <param name="Timestamp">When, on the node's clock.</param>
public readonly record struct NodeDecision(
    Decision Decision, string? PolicyVersion, string? PolicyHash, long Epoch, DateTimeOffset Timestamp)
{
    /// <summary>Whether the request may go ahead. A decision that needs a confirmation is not allowed by itself.</summary>
    public bool Allowed => Decision.Allowed;

    /// <summary>Whether the node decided under what it kept from before a restart, and has heard nothing since.</summary>
    public bool Offline { get; init; }

    /// <summary>Whether a bundle made the decision; false where the node refused to serve.</summary>
    public bool Served => PolicyHash is not null;
}
