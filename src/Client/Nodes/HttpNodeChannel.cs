using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>A node's way to its control plane over HTTP.</summary>
/// <param name="client">Speaks with the node's key.</param>
/// <param name="fleet">The fleet.</param>
/// <param name="node">The node.</param>
/// <param name="owned">Connections that end with the channel; null: they are shared.</param>
internal sealed class HttpNodeChannel(PolicyClient client, string fleet, string node, PolicyTransport? owned) : INodeChannel
{
    public string Origin { get; } = client.Origin;

    /// <summary>For what only a control plane over the network takes.</summary>
    public PolicyClient Client => client;

    public Task RegisterAsync(NodeRegistration registration, CancellationToken cancellationToken) =>
        client.RegisterNodeAsync(fleet, registration, null, cancellationToken);

    public Task<HeardDirective> HearAsync(string? etag, TimeSpan wait, CancellationToken cancellationToken) =>
        client.HearDirectiveAsync(fleet, node, etag, wait, cancellationToken);

    public Task<HeardReport> ReportAsync(ReadOnlyMemory<byte> report, TimeSpan timeout, CancellationToken cancellationToken) =>
        client.ReportAsync(fleet, node, report, timeout, cancellationToken);

    public Task<HandshakeAnswer> AskMembersAsync(string hash, CancellationToken cancellationToken) =>
        client.AskMembersAsync(fleet, node, null, hash, cancellationToken);

    public Task<TrustRoot?> FindTrustAsync(int? version, CancellationToken cancellationToken) => client.FindTrustAsync(version, cancellationToken);

    public Task<byte[]> FetchAsync(string policyHash, string? contentUrl, CancellationToken cancellationToken)
    {
        var path = contentUrl ?? client.ContentPath(policyHash);
        return client.IsOwnPath(path)
            ? client.GetContentAtAsync(path, cancellationToken)
            : throw new PolicyLoadException("node.content_url_refused", $"The content address '{path}' is not a path of the control plane.");
    }

    public void Dispose()
    {
        client.Dispose();
        owned?.Dispose();
    }
}
