using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>A registered node with what it last said. What it said is soft: a restart forgets it, and its next report tells it again.</summary>
internal sealed class NodeEntry
{
    private DateTimeOffset _assignedAt;
    private DateTimeOffset? _forbiddenAt;
    private string? _reportedBefore;
    private long _epoch;

    /// <param name="record">Its registration.</param>
    /// <param name="now">Since when its words would have been heard.</param>
    public NodeEntry(NodeRecord record, DateTimeOffset now)
    {
        Record = record;
        WatchedSince = now;
        _assignedAt = now;
    }

    /// <summary>Its registration.</summary>
    public NodeRecord Record { get; set; }

    /// <summary>What the directive has it run; null: nothing, because there is no bundle yet or it waits for room in its group.</summary>
    public string? Assigned { get; private set; }

    /// <summary>Whether its unit is in the cohort of a directive that is not at rest.</summary>
    public bool IsOfCohort { get; private set; }

    /// <summary>What it may go on serving until it has swapped.</summary>
    public string? AlsoAllowed { get; private set; }

    /// <summary>The epoch that gave it what it is assigned now.</summary>
    public long AssignedSince { get; private set; }

    /// <summary>When it was last heard.</summary>
    public DateTimeOffset? HeardAt { get; private set; }

    /// <summary>When it last reported.</summary>
    public DateTimeOffset? ReportAt { get; private set; }

    /// <summary>Its last report.</summary>
    public NodeReport? Report { get; private set; }

    /// <summary>
    /// Since when it owes its answer to what it is assigned, as if it had been live ever since: from its first word after the assignment, moved on
    /// by time in which it was silent. Whoever ACKed and lost it, as a process that starts anew, owes it from then on; whoever never did, however
    /// often it starts, owes it still. Null: not heard since it was assigned that.
    /// </summary>
    public DateTimeOffset? OwesSince { get; private set; }

    /// <summary>When it first said that the directive in force, its very epoch, is in force with it; null: it has not.</summary>
    public DateTimeOffset? FollowedAt { get; private set; }

    /// <summary>Whether its last word says so.</summary>
    public bool HasFollowed => HasAcked && Report!.Epoch >= _epoch;

    /// <summary>When it first refused what it is assigned; null: it has not.</summary>
    public DateTimeOffset? NackedAt { get; private set; }

    /// <summary>Since when it says what it last said about its armed state.</summary>
    public DateTimeOffset? ArmSaidAt { get; private set; }

    /// <summary>Since when its words would have been heard.</summary>
    public DateTimeOffset WatchedSince { get; }

    /// <summary>Whether it was taken out.</summary>
    public bool IsTakenOut { get; set; }

    /// <summary>Since when it has been heard, or would have been.</summary>
    public DateTimeOffset HeardAtOrWatched => HeardAt ?? WatchedSince;

    // The epoch counts too: a word from before the assignment may name the same hash, from the time before it last changed.

    /// <summary>Has what it should run in force.</summary>
    public bool HasAcked => !Record.OverCap && Report is { Ack: true } report && report.Epoch >= AssignedSince && report.PolicyHash == Assigned;

    /// <summary>Says that it cannot run what it was assigned.</summary>
    public bool HasNacked => Report is { Ack: false } report && report.Epoch >= AssignedSince;

    /// <summary>Assigns anew.</summary>
    public void Assign(Directive directive, DateTimeOffset now)
    {
        var demanded = Cohorts.AssignedHash(directive, Record);
        IsOfCohort = !directive.AtRest && demanded == directive.Target;
        var assigned = Record.OverCap ? null : demanded;
        if (assigned != Assigned)
        {
            Assigned = assigned;
            AssignedSince = directive.Epoch;
            _assignedAt = now;
            OwesSince = null;
            NackedAt = null;
        }

        if (directive.Epoch != _epoch)
        {
            // It may have heard of the epoch, and said so, before this fleet did.
            _epoch = directive.Epoch;
            FollowedAt = HasFollowed ? ReportAt : null;
        }

        AlsoAllowed = assigned is not null && assigned == directive.Target ? directive.Fallback : null;
        NoteForbidden(now);
    }

    /// <summary>Hears it. False: it repeats itself, or the word is older than one heard before.</summary>
    /// <param name="word">What it said.</param>
    /// <param name="liveFor">How long after a word it counts as live.</param>
    public bool Hear(HeardWord word, TimeSpan liveFor)
    {
        var silentFor = HeardAt is { } last && word.At - last > liveFor ? word.At - last - liveFor : TimeSpan.Zero;
        OwesSince = word.At < _assignedAt ? OwesSince : (OwesSince + silentFor) ?? word.At;
        HeardAt = HeardAt is { } earlier && earlier > word.At ? earlier : word.At;
        if (word.Report is not { } report || !ReportRules.IsNews(report, Report?.BootId, Report?.Seq ?? -1))
        {
            return false;
        }

        if (Report is { PolicyHash: var before } && before != report.PolicyHash)
        {
            _reportedBefore = before;
        }

        var hadAcked = HasAcked;
        ArmSaidAt = ArmSaidAt is { } since && Report?.ArmEpoch == report.ArmEpoch && Report.Armed == report.Armed ? since : word.At;
        Report = report;
        ReportAt = word.At;
        OwesSince = hadAcked && !HasAcked ? word.At : OwesSince;
        FollowedAt ??= HasFollowed ? word.At : null;
        NackedAt = HasNacked ? NackedAt ?? word.At : null;
        NoteForbidden(word.At);
        return true;
    }

    /// <summary>Whether it waits for room in its group, and has not said that it serves anything.</summary>
    public bool ServesNothing => Record.OverCap && Report?.PolicyHash is null;

    /// <summary>Whether it said that it runs a hash, now or before what it runs now.</summary>
    public bool HasReported(string hash) => Report?.PolicyHash == hash || _reportedBefore == hash;

    /// <summary>How it stands.</summary>
    public NodeState StateAt(FleetSettings settings, DateTimeOffset now) => Lease.StateOf(settings, HeardAt, WatchedSince, Record.RegisteredAt, _forbiddenAt, now);

    /// <summary>
    /// When it is certain to have stopped, if no more is heard of it; null: nothing ends its lease. Whoever takes a node out says so of a lease
    /// without an end, and of no other.
    /// </summary>
    public DateTimeOffset? FencedAt(FleetSettings settings, DateTimeOffset? forbiddenAt)
    {
        var (heardAt, toldAt) = (HeardAtOrWatched, HeardAt ?? Record.RegisteredAt);
        return Lease.FencedAt(settings, heardAt, toldAt, forbiddenAt)
            ?? (IsTakenOut ? Lease.FencedAt(settings with { EarlierLease = null }, heardAt, toldAt, forbiddenAt) : null);
    }

    /// <summary>Whether nobody waits for it any more: it has left, and is certain to have stopped. Where no lease ends, silence alone is never enough.</summary>
    public bool IsGoneAt(FleetSettings settings, DateTimeOffset now) => StateAt(settings, now) == NodeState.Left && FencedAt(settings, null) <= now;

    /// <summary>For a reader.</summary>
    public NodeStatus StatusAt(FleetSettings settings, DateTimeOffset now) => new()
    {
        Record = Record,
        State = StateAt(settings, now),
        PolicyHash = Report?.PolicyHash,
        Epoch = Report?.Epoch ?? 0,
        Armed = Report?.Armed ?? true,
        Acked = HasAcked,
        Error = Report is { Ack: false } refused ? refused.Error : null,
        LastHeardAt = HeardAt,
        LastReportAt = ReportAt,
    };

    /// <summary>What it answers to a handshake. Until it has spoken of the epoch that gave it its bundle, that bundle may still come.</summary>
    public HandshakeMember HandshakeMemberAt(FleetSettings settings, DateTimeOffset now) =>
        new(Record.Node, Record.Role, StateAt(settings, now), Report?.PolicyHash, Report?.Epoch >= AssignedSince ? null : Assigned);

    // The time from which a node that never answers is certain to have stopped: kept while its hash stays forbidden, so that a
    // further change does not start the wait anew.
    private void NoteForbidden(DateTimeOffset now) =>
        _forbiddenAt = Report?.PolicyHash is { } hash && hash != Assigned && hash != AlsoAllowed ? _forbiddenAt ?? now : null;
}

/// <summary>A word of a node.</summary>
internal readonly record struct HeardWord(DateTimeOffset At, NodeReport? Report);
