using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>
    /// The whole handshake for a node: whether the other members of its parity group run what it runs. Three attempts of five seconds,
    /// 500 and 1,000 ms apart; a mismatch is an answer and ends it. It throws nothing but <see cref="OperationCanceledException"/>: a
    /// refusal is an attempt without an answer.
    /// </summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="node">The node.</param>
    /// <param name="policyHash">What it runs: the hash of a rules bundle, the document hash of a document bundle.</param>
    /// <param name="role">Its role, where it registered without one; null: as registered.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<HandshakeResult> HandshakeAsync(
        string fleet, string node, string policyHash, string? role = null, CancellationToken cancellationToken = default) =>
        (await HandshakeCall.RunAsync(
            node, policyHash, token => AskMembersAsync(fleet, node, role, policyHash, token), () => true, Options.TimeProvider, cancellationToken))!;

    internal async Task<HandshakeAnswer> AskMembersAsync(
        string fleet, string node, string? role, string policyHash, CancellationToken cancellationToken) =>
        Read<HandshakeAnswer>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, $"{_tenantPath}/fleets/{Segment(fleet)}/handshake")
            {
                Body = Json(new HandshakeBody(node, role, policyHash)),
                Timeout = Handshake.Timeout,
                MaxAttempts = 1,
                AlsoExpected = Handshake.MismatchCode,
                MaxAnswerBytes = DirectiveBytesMax,
            },
            cancellationToken));

    private sealed record HandshakeBody(string Node, string? Role, string PolicyHash);
}
