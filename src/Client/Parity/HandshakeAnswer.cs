namespace OrleansPolicy.Client;

/// <summary>What the control plane answered to one question of a handshake.</summary>
public sealed record HandshakeAnswer
{
    /// <summary>Whether the hashes are equal.</summary>
    public bool Success { get; init; }

    /// <summary>What the node runs, as it said.</summary>
    public string? LocalHash { get; init; }

    /// <summary>What the other members of its group run, or one that differs does.</summary>
    public string? RemoteHash { get; init; }

    /// <summary><c>policy_hash</c> or <c>document_hash</c>.</summary>
    public string? HashKind { get; init; }
}
