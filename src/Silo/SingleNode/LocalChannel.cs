using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Feed;

namespace OrleansPolicy.Silo.SingleNode;

/// <summary>
/// The way between this process's own node and its control plane: what other nodes ask over HTTP, this one asks the same feed, so that its
/// directive and its lease are granted by the same rule.
/// </summary>
internal sealed class LocalChannel(string tenant, string fleet, FleetFeeds feeds, ICatalogStore catalog, IGrainFactory grains, TimeProvider time) : INodeChannel
{
    public string Origin => "local";

    public async Task RegisterAsync(NodeRegistration registration, CancellationToken cancellationToken)
    {
        Outcome<System.Collections.Immutable.ImmutableArray<NodeRecord>> registered;
        try
        {
            registered = await grains.Fleet(tenant, fleet).RegisterAsync([registration], new Caller(Actor.ControlPlane("local")));
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            throw new PolicyUnreachableException("The fleet does not answer.", exception);
        }

        if (!registered.Succeeded)
        {
            // No fleet yet, or no database: either may come.
            throw new PolicyUnreachableException(registered.Problems[0].Message);
        }
    }

    public async Task<HeardDirective> HearAsync(string? etag, TimeSpan wait, CancellationToken cancellationToken)
    {
        var sentAt = time.GetTimestamp();
        return await feeds.WaitAsync(tenant, fleet, FileDirective.Node, etag, wait, cancellationToken) switch
        {
            FeedAnswer.Changed changed => new HeardDirective(changed.Directive, changed.ETag, changed.Directive.LeaseSec, sentAt),
            FeedAnswer.Unchanged unchanged => new HeardDirective(null, unchanged.ETag, unchanged.LeaseSec, sentAt),
            FeedAnswer.Refused refused => throw Refuse(refused),
            _ => throw new InvalidOperationException("A feed answered what it never answers."),
        };
    }

    public async Task<HeardReport> ReportAsync(ReadOnlyMemory<byte> report, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var sentAt = time.GetTimestamp();
        var read = JsonSerializer.Deserialize<NodeReport>(report.Span, PolicyJson.Options)!;
        var (answer, note) = await feeds.ReportAsync(tenant, fleet, FileDirective.Node, read, cancellationToken);
        return answer is FeedAnswer.Refused refused
            ? throw Refuse(refused)
            : new HeardReport(new Client.ReportAnswer { Directive = (answer as FeedAnswer.Changed)?.Directive, Code = note }, sentAt);
    }

    public Task<HandshakeAnswer> AskMembersAsync(string hash, CancellationToken cancellationToken) =>
        throw new PolicyUnreachableException("The control plane's own node is in no group.");

    public async Task<TrustRoot?> FindTrustAsync(int? version, CancellationToken cancellationToken)
    {
        var stored = await ReadAsync(() => catalog.ReadTrustRootAsync(tenant, version, cancellationToken));
        return stored is null ? null : JsonSerializer.Deserialize<TrustRoot>(stored.Document, PolicyJson.Options);
    }

    public async Task<byte[]> FetchAsync(string policyHash, string? contentUrl, CancellationToken cancellationToken)
    {
        var content = await ReadAsync(() => catalog.ReadContentAsync(tenant, policyHash, cancellationToken));
        return content is { } bytes
            ? System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsArray(bytes)!
            : throw new PolicyApiException(StatusCodes.Status404NotFound, "bundle.unknown", "The bundle is neither in the catalog nor kept on disk: reload its file.", [], null);
    }

    public void Dispose()
    {
    }

    // Whatever it does not know, registering brings it about: the node, or its fleet.
    private static PolicyApiException Refuse(FeedAnswer.Refused refused) =>
        new(refused.Status, refused.Status == StatusCodes.Status404NotFound ? "node.unknown" : refused.Code, refused.Message, [], null);

    private static async Task<T> ReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (StoreUnavailableException exception)
        {
            throw new PolicyUnreachableException("The database does not answer.", exception);
        }
    }
}
