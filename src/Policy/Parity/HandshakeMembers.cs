using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Parity;

/// <summary>Whom a handshake asks, and what follows from what they run.</summary>
public static class HandshakeMembers
{
    /// <summary>The longest hash that a handshake takes, in characters. It is compared as it is: what no hash looks like is a mismatch.</summary>
    public const int HashLengthMax = 128;

    /// <summary>
    /// Whether one node answers for another: it is of the same parity group (or both are in none) and has another role. Who has no role asks
    /// every other member.
    /// </summary>
    public static bool Answers(NodeRecord other, NodeRecord asker, string? role)
    {
        ArgumentNullException.ThrowIfNull(other);
        ArgumentNullException.ThrowIfNull(asker);
        return other.Node != asker.Node && other.ParityGroup == asker.ParityGroup && (role is null || other.Role != role);
    }

    /// <summary>
    /// One verdict over all who answer. Every live one must have said that it runs the hash, and one at least must live. One that said that
    /// it runs another is a mismatch. No answer yet: a live one that has said nothing, or that is on its way to the very hash; and a silent
    /// one whose last word was another, because it may serve under it until it is fenced. Who is fenced or has left serves nobody.
    /// </summary>
    /// <param name="node">Who asks.</param>
    /// <param name="localHash">What it runs.</param>
    /// <param name="members">Who <see cref="Answers"/>, with hashes of the kind that each names.</param>
    public static HandshakeVerdict Judge(string node, string localHash, ImmutableArray<HandshakeMember> members)
    {
        var serving = members.Where(member => member.State is NodeState.Live or NodeState.Silent).ToList();
        if (serving.Find(member => member is { State: NodeState.Live, ReportedHash: not null } && member.ReportedHash != localHash && member.ComingHash != localHash) is { } other)
        {
            return new HandshakeVerdict(
                Handshake.MismatchCode, other.ReportedHash, other.HashKind, Handshake.Mismatch(node, localHash, other.Node + " has", other.ReportedHash!));
        }

        if (serving.Find(member => member.ReportedHash != localHash && (member.State == NodeState.Live || member.ReportedHash is not null)) is { } unsaid)
        {
            return NoAnswer(unsaid.HashKind, unsaid switch
            {
                { State: NodeState.Silent } => $"{unsaid.Node} is silent and last said that it runs {unsaid.ReportedHash}.",
                { ReportedHash: null } => $"{unsaid.Node} has not said what it runs.",
                _ => $"{unsaid.Node} is still changing to {unsaid.ComingHash}.",
            });
        }

        return serving.Find(member => member.State == NodeState.Live) is { } agreed
            ? new HandshakeVerdict(null, agreed.ReportedHash, agreed.HashKind, $"{agreed.Node} has {localHash} too.")
            : NoAnswer(Handshake.PolicyHashKind, $"No other member that {node} could ask is live.");
    }

    private static HandshakeVerdict NoAnswer(string kind, string message) => new(Handshake.NoAnswerCode, null, kind, message);
}
