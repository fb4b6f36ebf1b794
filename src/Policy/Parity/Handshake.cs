using System.Globalization;

namespace OrleansPolicy.Parity;

/// <summary>
/// The handshake of policy hashes: a node asks what the other members of its group run, and serves only where it is what it runs itself.
/// A question without an answer is asked again, <see cref="Attempts"/> times in all; a mismatch is an answer and never asked again.
/// </summary>
public static class Handshake
{
    /// <summary>The hashes differ.</summary>
    public const string MismatchCode = "parity.mismatch";

    /// <summary>Nobody could say what the other members run.</summary>
    public const string NoAnswerCode = "parity.no_answer";

    /// <summary>Hashes of whole bundles were compared.</summary>
    public const string PolicyHashKind = "policy_hash";

    /// <summary>Hashes of the documents alone were compared, as an independent program computes them from its file.</summary>
    public const string DocumentHashKind = "document_hash";

    /// <summary>What an answer without a hash is called.</summary>
    public const string NoHash = "Invalid response: missing policy_hash field";

    /// <summary>How often is asked.</summary>
    public const int Attempts = 3;

    /// <summary>How long one answer is waited for.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    /// <summary>How long to wait after an attempt, counted from 1, that had no answer: 500 ms, then 1,000 ms.</summary>
    public static TimeSpan PauseAfter(int attempt) => FirstPause * (1 << Math.Clamp(attempt - 1, 0, Attempts));

    /// <summary>
    /// Compares, to the letter and the case. Null: the answer has no hash, which counts as none (<see cref="NoHash"/>).
    /// </summary>
    /// <param name="node">Who asks.</param>
    /// <param name="localHash">What it runs.</param>
    /// <param name="remoteHash">What was answered.</param>
    /// <param name="hashKind">What the answer says that it is.</param>
    public static HandshakeResult? Compare(string node, string localHash, string? remoteHash, string? hashKind)
    {
        if (string.IsNullOrEmpty(remoteHash))
        {
            return null;
        }

        return string.Equals(localHash, remoteHash, StringComparison.Ordinal)
            ? new HandshakeResult(localHash, remoteHash, hashKind, null, null)
            : new HandshakeResult(localHash, remoteHash, hashKind, MismatchCode, Mismatch(node, localHash, "the other members have", remoteHash));
    }


    /// <summary>After the last attempt.</summary>
    public static HandshakeResult GiveUp(string localHash, int attempts, string last) => new(
        localHash, null, null, NoAnswerCode,
        string.Create(CultureInfo.InvariantCulture, $"Failed to get the policy hash of the other members after {attempts} attempts: {last}"));

    internal static string Mismatch(string node, string localHash, string othersHave, string remoteHash) =>
        $"Policy hash mismatch: {node} has {localHash}, {othersHave} {remoteHash}";
}
