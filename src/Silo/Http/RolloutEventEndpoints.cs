using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The events of a rollout (RWG-001 to RWG-004, and the end of a way back), read from the audit: so far, or as they come.</summary>
public static class RolloutEventEndpoints
{
    private const int EventsMax = 1_000;
    private const string CodePrefix = "RWG-";
    private const string ReturnPrefix = "rollback.";
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    /// <summary>Maps them.</summary>
    public static void MapRolloutEvents(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/rollouts/{rollout}/events", ReadAsync)
            .Is(Permission.Read, "The rollout's events so far; with Accept: text/event-stream, live", "rollout.unknown", "service.busy")
            .WithMetadata(new HoldsRequests())
            .Gives<EventList>();

    private static async Task<IResult> ReadAsync(
        string tenant, string rollout, IRolloutStore store, IAuditStore audit, StreamPlaces places, HttpContext http)
    {
        if (!Names.IsValid(rollout) || await store.ReadRolloutAsync(tenant, rollout, http.RequestAborted) is not { } state)
        {
            return RolloutEndpoints.Unknown();
        }

        var events = new RolloutEvents(audit, tenant, $"fleets/{state.Fleet}/rollouts/{rollout}");
        if (!ServerSentEvents.AreWanted(http.Request))
        {
            return Answers.Ok(new EventList([.. await events.ReadAsync(http.RequestAborted)]));
        }

        return places.Open(http, tenant, (stream, ended) => FollowAsync(events, store, state, stream, ended));
    }

    private static async Task FollowAsync(RolloutEvents events, IRolloutStore store, RolloutState state, ServerSentEvents.Stream stream, CancellationToken ended)
    {
        var silence = TimeSpan.Zero;
        while (true)
        {
            // The state first: an event that ends the rollout is in the audit by the time the state says so.
            var current = await store.ReadRolloutAsync(state.Tenant, state.RolloutId, ended);
            foreach (var entry in await events.ReadAsync(ended))
            {
                await stream.SendAsync(entry.Action, JsonSerializer.SerializeToUtf8Bytes(entry, PolicyJson.Options), entry.Seq, ended);
                silence = TimeSpan.Zero;
            }

            if (current is null or { IsFinal: true })
            {
                return;
            }

            await Task.Delay(LookEvery, ended);
            silence += LookEvery;
            if (silence >= Heartbeat)
            {
                await stream.BeatAsync(ended);
                silence = TimeSpan.Zero;
            }
        }
    }

    /// <summary>Reads on from where it stopped.</summary>
    private sealed class RolloutEvents(IAuditStore audit, string tenant, string subject)
    {
        private long after;

        public async Task<IReadOnlyList<AuditEntryView>> ReadAsync(CancellationToken cancellationToken)
        {
            var entries = await audit.ReadAsync(tenant, after, EventsMax, subject, cancellationToken);
            after = entries.IsEmpty ? after : entries[^1].Seq;
            return [.. entries.Where(entry => IsEvent(entry.Draft)).Select(AuditEntryView.Of)];
        }

        private bool IsEvent(Audit.AuditDraft draft) =>
            draft.Subject == subject
            && (draft.Code?.StartsWith(CodePrefix, StringComparison.Ordinal) == true || draft.Action.StartsWith(ReturnPrefix, StringComparison.Ordinal));
    }
}

/// <summary>Events, in order.</summary>
public sealed record EventList(ImmutableArray<AuditEntryView> Events);
