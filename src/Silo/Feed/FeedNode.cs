using OrleansPolicy.Fleets;

namespace OrleansPolicy.Silo.Feed;

/// <summary>A node as this silo knows it.</summary>
internal sealed class FeedNode(NodeRecord record, DateTimeOffset watchedSince)
{
    private readonly Lock _gate = new();
    private (FeedSnapshot Snapshot, NodeRecord Record, FeedAnswer.Changed Answer)? _cached;
    private DateTimeOffset? _heardAt;
    private NodeReport? _report;
    private NodeReport? _acked;

    /// <summary>Its registration.</summary>
    public NodeRecord Record { get; set; } = record;

    /// <summary>What it hears under a snapshot: computed once, then looked up.</summary>
    public FeedAnswer.Changed AnswerUnder(FeedSnapshot snapshot)
    {
        lock (_gate)
        {
            if (_cached is { } cached && ReferenceEquals(cached.Snapshot, snapshot) && ReferenceEquals(cached.Record, Record))
            {
                return cached.Answer;
            }

            var answer = snapshot.AnswerFor(Record);
            _cached = (snapshot, Record, answer);
            return answer;
        }
    }

    /// <summary>
    /// Whether a request may be of a node that comes back: it has nothing from before, or was not heard here for so long that its lease may
    /// have ended meanwhile. Asked before the request is noted.
    /// </summary>
    public bool ComesBack(FleetSettings settings, DateTimeOffset at, bool hasTag, string? bootId)
    {
        lock (_gate)
        {
            return _heardAt is not { } before || at - before > Lease.LiveFor(settings) || (bootId is null ? !hasTag : bootId != _report?.BootId);
        }
    }

    /// <summary>Notes a request; with a report, whether it is news.</summary>
    public bool Hear(DateTimeOffset at, NodeReport? report)
    {
        lock (_gate)
        {
            _heardAt = at;
            if (report is null || !ReportRules.IsNews(report, _report?.BootId, _report?.Seq ?? -1))
            {
                return false;
            }

            _report = report;
            _acked = report.Ack ? report : _acked;
            return true;
        }
    }

    /// <summary>Under what it serves; null where this silo has not heard its word.</summary>
    public NodeServing? ServingUnder(FeedSnapshot snapshot, DateTimeOffset now)
    {
        lock (_gate)
        {
            return _report is null
                ? null
                : new NodeServing(
                    _acked?.PolicyHash,
                    _acked?.Epoch ?? 0,
                    Lease.StateOf(snapshot.Fleet.Settings, _heardAt, watchedSince, Record.RegisteredAt, null, now),
                    snapshot.Allows(Record, _acked?.PolicyHash),
                    snapshot.Fleet.IsNodeArmed(Record),
                    snapshot.AnswerFor(Record).Directive.PolicyHash);
        }
    }
}
