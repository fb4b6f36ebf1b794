using OrleansPolicy.Fleets;

namespace OrleansPolicy.Parity;

/// <summary>A member that a handshake asks, as the control plane knows it from the member's own reports.</summary>
/// <param name="Node">The node.</param>
/// <param name="Role">Its role; null: none.</param>
/// <param name="State">live, silent, fenced or left.</param>
/// <param name="ReportedHash">What it last said that it runs; null: nothing yet.</param>
/// <param name="ComingHash">What its directive has it run and it has said neither yes nor no to yet; null: it has.</param>
public sealed record HandshakeMember(string Node, string? Role, NodeState State, string? ReportedHash, string? ComingHash)
{
    /// <summary>What the hashes are: <see cref="Handshake.PolicyHashKind"/> or <see cref="Handshake.DocumentHashKind"/>.</summary>
    public string HashKind { get; init; } = Handshake.PolicyHashKind;
}
