using System.Text.Json.Serialization;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// The way back of a fleet: from the moment at which the reason for it was in the control plane's hands to the moment at which it is
/// over, when every node that may hold what was taken back has ACKed the new epoch or is fenced. Until then it is open, and the
/// fleet is in flight. Durable with the rollout: who counts it starts from here and from what the nodes say now, whoever died meanwhile.
/// </summary>
public sealed record WayBack
{
    /// <summary>The epoch that takes it back: whoever has ACKed it, or a later one, has returned.</summary>
    public required long Epoch { get; init; }

    /// <summary>The hash that is taken back; null: whatever it is, every node of the fleet has to follow.</summary>
    public string? Leaves { get; init; }

    /// <summary>The directive it replaced, which tells who may hold what was taken back; null: every node of the fleet has to follow.</summary>
    public Directive? From { get; init; }

    /// <summary>T0: when the report, metric or command was accepted that completes the reason.</summary>
    public required DateTimeOffset DetectedAt { get; init; }

    /// <summary>When it was decided.</summary>
    public required DateTimeOffset DecidedAt { get; init; }

    /// <summary>
    /// When the decision was known to be durable: the commit's answer, or the first read that found it where that answer was lost. From
    /// here a node that hears nothing is fenced.
    /// </summary>
    public DateTimeOffset? DurableAt { get; init; }

    /// <summary>When the last node ACKed.</summary>
    public DateTimeOffset? LastAckAt { get; init; }

    /// <summary>When the last node had ACKed or was fenced; null: it is not over.</summary>
    public DateTimeOffset? OverAt { get; init; }

    /// <summary>Seconds from <see cref="DetectedAt"/> within which it must be over.</summary>
    public required int DeadlineSec { get; init; }

    /// <summary>When it was found to take longer than that; null: it does not.</summary>
    public DateTimeOffset? OverdueAt { get; init; }

    /// <summary>Why it was taken, kept while <see cref="RolloutState.Why"/> says that it takes too long.</summary>
    public Why? Cause { get; init; }

    /// <summary>The fast-track that brings all nodes elsewhere and so ended this; null: none.</summary>
    public string? SupersededBy { get; init; }

    /// <summary>The nodes it was over with.</summary>
    public ReturnCounts? Nodes { get; init; }

    /// <summary>Whether somebody still has to return.</summary>
    [JsonIgnore]
    public bool IsOpen => OverAt is null && SupersededBy is null;

    /// <summary>When it must be over.</summary>
    [JsonIgnore]
    public DateTimeOffset DueAt => DetectedAt + TimeSpan.FromSeconds(DeadlineSec);

    /// <summary>
    /// Whether a node may hold what was taken back: it was assigned it, or reported it, or joined or moved since the last census and was
    /// perhaps another unit before. Rather one too many: each of them hears the new epoch and ACKs it as everybody does.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="reported">Whether the node has reported it.</param>
    public bool Concerns(NodeRecord node, bool reported)
    {
        ArgumentNullException.ThrowIfNull(node);
        return reported || From is not { AtRest: false } from
            || Cohorts.AssignedHash(from, node) == from.Target
            || !(from.Cuts.TryGetValue(node.FailureDomain, out var cut) && node.Registration <= cut.AsOf);
    }
}
