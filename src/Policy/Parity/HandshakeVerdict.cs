namespace OrleansPolicy.Parity;

/// <summary>What the control plane says to one question of a handshake.</summary>
/// <param name="Code">Null: the hashes are equal. Else <see cref="Handshake.MismatchCode"/> or <see cref="Handshake.NoAnswerCode"/>.</param>
/// <param name="RemoteHash">What the other members run, or one that differs does; null where there is no answer.</param>
/// <param name="HashKind">What both hashes are.</param>
/// <param name="Message">The same for a person, with both hashes.</param>
public sealed record HandshakeVerdict(string? Code, string? RemoteHash, string HashKind, string Message)
{
    /// <summary>Whether the hashes are equal.</summary>
    public bool Success => Code is null;
}
