using System.Text.Json;
using OrleansPolicy.Fleets;
using OrleansPolicy.Silo.Feed;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// A node's directives as they change. A stream grants no lease, for a lease counts from the moment at which a request was sent: the
/// node renews by its reports.
/// </summary>
internal sealed class DirectiveStream(string tenant, string fleet, string node, FleetFeeds feeds) : IResult
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var ended = httpContext.EndOfPolls();
        var first = await feeds.WaitAsync(tenant, fleet, node, etag: null, TimeSpan.Zero, ended.Token);
        IResult answer = first is FeedAnswer.Refused refused
            ? NodeFeedEndpoints.Refuse(refused)
            : new ServerSentEvents((stream, token) => FollowAsync(first, stream, token));
        await answer.ExecuteAsync(httpContext);
    }

    private async Task FollowAsync(FeedAnswer answer, ServerSentEvents.Stream stream, CancellationToken ended)
    {
        var tag = "";
        while (true)
        {
            switch (answer)
            {
                case FeedAnswer.Changed changed:
                    tag = changed.ETag;
                    await stream.SendAsync("directive", Body(changed.Directive), id: null, ended);
                    break;
                case FeedAnswer.Refused { Status: not StatusCodes.Status503ServiceUnavailable }:
                    return;
                default:
                    await stream.BeatAsync(ended);
                    break;
            }

            answer = await feeds.WatchAsync(tenant, fleet, node, tag, Heartbeat, ended);
        }
    }

    // Null would mean that leases are off; 0 seconds is what a stream grants.
    private static byte[] Body(NodeDirective directive) =>
        JsonSerializer.SerializeToUtf8Bytes(directive with { LeaseSec = directive.LeaseSec is null ? null : 0 }, PolicyJson.Options);
}
