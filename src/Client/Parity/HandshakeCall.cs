using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

/// <summary>Asks until there is an answer, as often and with the pauses that <see cref="Handshake"/> says.</summary>
internal static class HandshakeCall
{
    /// <summary>Null: it was no longer wanted before it ended.</summary>
    /// <param name="node">Who asks.</param>
    /// <param name="localHash">What it runs.</param>
    /// <param name="ask">One question, with its own limit of time.</param>
    /// <param name="isWanted">Looked at before each further attempt.</param>
    /// <param name="time">Counts the pauses.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<HandshakeResult?> RunAsync(
        string node, string localHash, Func<CancellationToken, Task<HandshakeAnswer>> ask, Func<bool> isWanted, TimeProvider time,
        CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            string problem;
            try
            {
                var answer = await ask(cancellationToken);
                if (Handshake.Compare(node, localHash, answer.RemoteHash, answer.HashKind) is { } compared)
                {
                    return compared;
                }

                problem = Handshake.NoHash;
            }
            catch (Exception e) when (e is PolicyApiException or PolicyUnreachableException)
            {
                problem = e.Message;
            }

            if (attempt == Handshake.Attempts)
            {
                return Handshake.GiveUp(localHash, attempt, problem);
            }

            await Task.Delay(Handshake.PauseAfter(attempt), time, cancellationToken);
            if (!isWanted())
            {
                return null;
            }
        }
    }
}
