namespace OrleansPolicy.Parity;

/// <summary>How a handshake ended.</summary>
/// <param name="LocalHash">What the node runs.</param>
/// <param name="RemoteHash">What the other members run; null: nobody said.</param>
/// <param name="HashKind"><c>policy_hash</c> or <c>document_hash</c>; null: nobody said.</param>
/// <param name="Code">Null: the hashes are equal. Else <see cref="Handshake.MismatchCode"/> or <see cref="Handshake.NoAnswerCode"/>.</param>
/// <param name="Error">What was wrong, with both hashes of a mismatch; null on success.</param>
public sealed record HandshakeResult(string LocalHash, string? RemoteHash, string? HashKind, string? Code, string? Error)
{
    /// <summary>Whether the hashes are equal.</summary>
    public bool Success => Code is null;
}
