using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// The way between one node and its control plane. Over the network it is <see cref="HttpNodeChannel"/>; a control plane's own node has
/// one within the process, and is otherwise an agent like any other.
/// </summary>
internal interface INodeChannel : IDisposable
{
    /// <summary>Names what content is trusted alike: agents of the same origin and tenant share what they verified.</summary>
    string Origin { get; }

    /// <summary>Makes the node known. Its answer grants no lease: the first poll does.</summary>
    Task RegisterAsync(NodeRegistration registration, CancellationToken cancellationToken);

    /// <summary>What the node should run; held while it is what <paramref name="etag"/> names.</summary>
    Task<HeardDirective> HearAsync(string? etag, TimeSpan wait, CancellationToken cancellationToken);

    /// <summary>Says what the node runs. A report of the same number is the same word, however often it is sent.</summary>
    Task<HeardReport> ReportAsync(ReadOnlyMemory<byte> report, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>Asks once what the other members of the node's parity group run. What differs is an answer too.</summary>
    /// <param name="hash">What the node runs.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<HandshakeAnswer> AskMembersAsync(string hash, CancellationToken cancellationToken);

    /// <summary>A version of the tenant's trust root, null for the newest; null: there is none.</summary>
    Task<TrustRoot?> FindTrustAsync(int? version, CancellationToken cancellationToken);

    /// <summary>A bundle's bytes, unverified.</summary>
    /// <param name="policyHash">The bundle.</param>
    /// <param name="contentUrl">Where the directive says it lies; null: where the API puts it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PolicyLoadException">The place is none of the control plane's.</exception>
    Task<byte[]> FetchAsync(string policyHash, string? contentUrl, CancellationToken cancellationToken);
}
