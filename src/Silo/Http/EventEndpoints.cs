using System.Globalization;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Events;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>What happens in a tenant, live: decisions that nodes refused, events of rollouts, arms and disarms.</summary>
public static class EventEndpoints
{
    private const string SlowCode = "events.slow";
    private const int PageMax = 1_000;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);
    private static readonly byte[] Slow = """{"code":"events.slow","message":"The reader did not keep up. Open the stream again with Last-Event-ID."}"""u8.ToArray();

    /// <summary>Maps them.</summary>
    public static void MapEvents(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/events", Follow)
            .Is(Permission.Read, "What happens, as server-sent events: rejection, rollout.*, rollback.*, arm.*; with Last-Event-ID or ?after= what was audited since", "events.after", "service.busy", SlowCode)
            .WithMetadata(new HoldsRequests())
            .Gives<AuditEntryView>();

    private static IResult Follow(string tenant, EventStreams streams, IAuditStore audit, StreamPlaces places, HttpContext http, string? after = null)
    {
        var last = http.Request.Headers["Last-Event-ID"] is [{ } id] ? id : after;
        long from = -1;
        if (last is not null && (!long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out from) || from < 0))
        {
            return new ProblemAnswer("events.after", "Last-Event-ID and after are a place in the audit: a whole number.", "$.after");
        }

        return places.Open(http, tenant, (stream, ended) => FollowAsync(tenant, streams, audit, from, stream, ended));
    }

    private static async Task FollowAsync(
        string tenant, EventStreams streams, IAuditStore audit, long from, ServerSentEvents.Stream stream, CancellationToken ended)
    {
        using var live = await streams.FollowAsync(tenant, ended);
        await stream.BeatAsync(ended);

        // What is audited up to where the live events begin, so that none is missing and none comes twice.
        for (var more = from >= 0 && from < live.After; more;)
        {
            var entries = await audit.ReadAsync(tenant, from, PageMax, null, ended);
            foreach (var entry in entries.Where(entry => entry.Seq <= live.After && TenantEvents.Includes(entry.Draft)))
            {
                var happened = EventStreams.Of(entry);
                await stream.SendAsync(happened.Name, happened.Json, happened.Seq, ended);
            }

            from = entries.IsEmpty ? live.After : entries[^1].Seq;
            more = from < live.After;
        }

        while (true)
        {
            using var beat = CancellationTokenSource.CreateLinkedTokenSource(ended);
            beat.CancelAfter(Heartbeat);
            try
            {
                if (!await live.Events.WaitToReadAsync(beat.Token))
                {
                    await stream.SendAsync("end", Slow, null, ended);
                    return;
                }
            }
            catch (OperationCanceledException) when (!ended.IsCancellationRequested)
            {
                await stream.BeatAsync(ended);
                continue;
            }

            while (live.Events.TryRead(out var happened))
            {
                await stream.SendAsync(happened.Name, happened.Json, happened.Seq, ended);
            }
        }
    }
}
