using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// The silo's door for nodes: long polls, reports, and under what a node serves. One feed for each fleet in use; it costs the
/// fleet's grain one subscription and one call per 100 ms, however many nodes there are.
/// </summary>
public sealed class FleetFeeds : BackgroundService
{
    /// <summary>A request that cannot be granted its lease at once waits for the next read, so long at most where it asked for less.</summary>
    public static readonly TimeSpan LeaseWaitMax = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan ReadWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeptWithin = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan MaintainEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(string Tenant, string Fleet), FleetFeed> _feeds = new();
    private readonly FeedEnvironment _environment;
    private readonly TruthReader _truth;

    internal FleetFeeds(FeedEnvironment environment, TruthReader truth)
    {
        _environment = environment;
        _truth = truth;
        truth.ReadFor(() => [.. _feeds.Values.Where(feed => feed.IsUsedWithin(ReadWithin))]);
    }

    private TimeProvider Clock => _environment.Clock;

    /// <summary>
    /// What a node should run: at once where its tag is not the newest, else held until it changes or the time is over. The time is
    /// cut to <see cref="Lease.PollWait"/>. The request counts as the node's word that it lives.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="fleet">The fleet.</param>
    /// <param name="node">The node.</param>
    /// <param name="etag">The tag it has, quoted; null: none.</param>
    /// <param name="wait">How long to hold it.</param>
    /// <param name="cancellationToken">Ends it when the node has gone away.</param>
    public async Task<FeedAnswer> WaitAsync(
        string tenant, string fleet, string node, string? etag, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        var arrived = Clock.GetTimestamp();
        var heardAt = Clock.GetUtcNow();
        using var use = Enter(tenant, fleet);
        var feed = use.Feed;
        var (found, refused) = await FindAsync(feed, node);
        if (refused is not null)
        {
            return refused;
        }

        var comesBack = ComesBack(feed, found!, heardAt, etag is not null, null);
        feed.Hear(found!, heardAt, null, out var delivered);
        return await AnswerAsync(feed, node, etag, new Arrival(arrived, delivered, comesBack), wait, grants: true, cancellationToken);
    }

    /// <summary>
    /// The same for a stream: nobody asks anew behind it, so the node does not count as heard, and what it hears grants no lease.
    /// </summary>
    public async Task<FeedAnswer> WatchAsync(
        string tenant, string fleet, string node, string? etag, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        var began = Clock.GetTimestamp();
        using var use = Enter(tenant, fleet);
        var (_, refused) = await FindAsync(use.Feed, node);
        return refused ?? await AnswerAsync(use.Feed, node, etag, new Arrival(began, Task.CompletedTask, ComesBack: true), wait, grants: false, cancellationToken);
    }

    /// <summary>Takes a node's report and answers with its directive. Refused with <c>report.invalid</c> before anything is noted.</summary>
    public async Task<FeedReportAnswer> ReportAsync(
        string tenant, string fleet, string node, NodeReport report, CancellationToken cancellationToken = default)
    {
        var arrived = Clock.GetTimestamp();
        var heardAt = Clock.GetUtcNow();
        if (ReportRules.Check(report) is { } problem)
        {
            return new FeedReportAnswer(new FeedAnswer.Refused(400, problem.Code, problem.Message));
        }

        using var use = Enter(tenant, fleet);
        var feed = use.Feed;
        var (found, refused) = await FindAsync(feed, node);
        if (refused is not null)
        {
            return new FeedReportAnswer(refused);
        }

        var comesBack = ComesBack(feed, found!, heardAt, false, report.BootId);
        var note = feed.Hear(found!, heardAt, report, out var delivered) ? null : ReportRules.StaleCode;
        var arrival = new Arrival(arrived, delivered, comesBack);
        return new FeedReportAnswer(await AnswerAsync(feed, node, null, arrival, TimeSpan.Zero, grants: true, cancellationToken), note);
    }

    /// <summary>Takes the reports that a relay gathered.</summary>
    public async Task<FeedBatchAnswer> ReportManyAsync(
        string tenant, string fleet, IReadOnlyList<RelayedReport> reports, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reports);
        var arrived = Clock.GetTimestamp();
        var heardAt = Clock.GetUtcNow();
        using var use = Enter(tenant, fleet);
        var feed = use.Feed;
        if (await feed.ReadyAsync() is { } refused)
        {
            return Refuse(feed, refused);
        }

        var rejected = new List<RejectedReport>();
        foreach (var (node, report) in reports)
        {
            if (ReportRules.Check(report) is { } problem)
            {
                rejected.Add(new RejectedReport(node, problem.Code));
            }
            else
            {
                var (found, missing) = await feed.FindAsync(node);
                if (missing is null && found!.Record.ParityGroup is not null)
                {
                    rejected.Add(new RejectedReport(node, GroupCodes.Relayed));
                }
                else if (missing is not null || !feed.Hear(found!, heardAt, report, out _))
                {
                    rejected.Add(new RejectedReport(node, missing?.Code ?? ReportRules.StaleCode));
                }
            }
        }

        if (feed.IsBehind)
        {
            return new FeedBatchAnswer(FeedAnswer.Behind, null, null, rejected);
        }

        return await MayAnswerAsync(feed, arrived, LeaseWaitMax, cancellationToken) && feed.Snapshot is { } snapshot
            ? new FeedBatchAnswer(null, snapshot.Fleet.Directive, Lease.Grant(snapshot.Fleet.Settings, snapshot.Fleet.Directive), rejected)
            {
                Armed = snapshot.Fleet.IsArmed(null),
                ArmedByNode = snapshot.Fleet.Arms.Nodes.Keys.Where(Names.IsValid).ToImmutableSortedDictionary(name => name, name => snapshot.Fleet.IsArmed(name), StringComparer.Ordinal),
            }
            : new FeedBatchAnswer(FeedAnswer.NoLease, null, null, rejected);
    }

    /// <summary>
    /// Under what a node serves, for the silo's own decisions. Without a grain call wherever this silo has heard the node; else the
    /// fleet is asked. Fails with <c>fleet.unknown</c>, <c>node.unknown</c>, <c>lease.unavailable</c>.
    /// </summary>
    public async ValueTask<Outcome<NodeServing>> ServingAsync(string tenant, string fleet, string node)
    {
        using var use = Enter(tenant, fleet);
        var feed = use.Feed;
        var (found, refused) = await FindAsync(feed, node);
        if (refused is not null)
        {
            return Outcome<NodeServing>.Fail(refused.Code, refused.Message);
        }

        if (feed.IsBehind)
        {
            return Outcome<NodeServing>.Fail(FeedAnswer.Behind.Code, FeedAnswer.Behind.Message);
        }

        // Deciding for a node, a silo is bound as the node is: what it read may be as old as a lease, and no older.
        if (!await IsReadAsync(feed, lease => feed.WasReadWithin(TimeSpan.FromSeconds(lease)), LeaseWaitMax, CancellationToken.None))
        {
            return Outcome<NodeServing>.Fail(FeedAnswer.NoLease.Code, FeedAnswer.NoLease.Message);
        }

        // Whether a group agrees is known where its members' words come together, and nowhere else.
        if (found!.Record.ParityGroup is null && feed.Snapshot is { } snapshot && found.ServingUnder(snapshot, Clock.GetUtcNow()) is { } here)
        {
            return Outcome<NodeServing>.Ok(here);
        }

        var asked = await _environment.CallAsync(() => _environment.Grains.Fleet(tenant, fleet).NodeAsync(node));
        return asked switch
        {
            null => Outcome<NodeServing>.Fail(FeedAnswer.NoLease.Code, FeedAnswer.NoLease.Message),
            { Succeeded: false } => asked.As<NodeServing>(),
            { Value: { } status } => Outcome<NodeServing>.Ok(new NodeServing(
                status.PolicyHash, status.Epoch, status.State, feed.Snapshot?.Allows(status.Record, status.PolicyHash) == true,
                feed.Snapshot?.Fleet.IsNodeArmed(status.Record) == true, feed.Snapshot?.AnswerFor(status.Record).Directive.PolicyHash)
            {
                GroupRefusal = status.GroupRefusal,
            }),
        };
    }

    /// <summary>
    /// Why nothing may be served for a fleet as a whole, whatever its row says: a higher epoch is known than the database has, or the fleet
    /// does not say whether one is. Null: nothing stands against it.
    /// </summary>
    public async ValueTask<FeedAnswer.Refused?> FindRefusalAsync(string tenant, string fleet)
    {
        using var use = Enter(tenant, fleet);
        if (await use.Feed.ReadyAsync() is { } refused)
        {
            Forget(use.Feed, refused);
            return refused;
        }

        return use.Feed.IsBehind ? FeedAnswer.Behind : null;
    }

    /// <summary>Notes that the control plane refused to decide in a node's name.</summary>
    public void NoteRefusal(string tenant, string fleet, string node, RejectedDecisions rejected) =>
        _environment.Rejections.Add(tenant, fleet, node, [rejected]);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(_environment.Logger, "The news of fleets cannot be subscribed to; trying again every second.");
        while (true)
        {
            await Task.Delay(MaintainEvery, Clock, stoppingToken);
            await rounds.RunAsync(_ => MaintainAsync(), stoppingToken);
        }
    }

    private async Task MaintainAsync()
    {
        await Task.WhenAll(_feeds.Values.Where(feed => feed.IsUsedWithin(ReadWithin)).Select(feed => feed.MaintainAsync()));
        foreach (var feed in _feeds.Values.Where(feed => !feed.IsUsedWithin(KeptWithin)).ToList())
        {
            LetGo(feed);
        }
    }

    // A feed that was let go between finding it and entering it would be read for by nobody: then another one is found.
    private FeedUse Enter(string tenant, string fleet)
    {
        while (true)
        {
            var feed = _feeds.GetOrAdd(
                (tenant, fleet), static (key, environment) => new FleetFeed(key.Tenant, key.Fleet, environment), _environment);
            var use = feed.Use();
            if (_feeds.TryGetValue((tenant, fleet), out var kept) && ReferenceEquals(kept, feed))
            {
                return use;
            }

            use.Dispose();
        }
    }

    private void LetGo(FleetFeed feed)
    {
        _feeds.TryRemove(KeyValuePair.Create((feed.Tenant, feed.Fleet), feed));
        if (feed.IsUsedWithin(KeptWithin))
        {
            _feeds.TryAdd((feed.Tenant, feed.Fleet), feed);
        }
        else
        {
            feed.Close();
        }
    }

    private async ValueTask<(FeedNode? Node, FeedAnswer.Refused? Refused)> FindAsync(FleetFeed feed, string node)
    {
        if (await feed.ReadyAsync() is { } refused)
        {
            Forget(feed, refused);
            return (null, refused);
        }

        return await feed.FindAsync(node);
    }

    private FeedBatchAnswer Refuse(FleetFeed feed, FeedAnswer.Refused refused)
    {
        Forget(feed, refused);
        return new FeedBatchAnswer(refused, null, null, []);
    }

    // A fleet that is not there is not kept: asking for names must cost no memory.
    private void Forget(FleetFeed feed, FeedAnswer.Refused refused)
    {
        if (refused.Status == 404 && feed.Snapshot is null)
        {
            _feeds.TryRemove(KeyValuePair.Create((feed.Tenant, feed.Fleet), feed));
            feed.Close();
        }
    }

    private async Task<FeedAnswer> AnswerAsync(
        FleetFeed feed, string node, string? etag, Arrival arrival, TimeSpan wait, bool grants, CancellationToken cancellationToken)
    {
        var arrived = arrival.At;
        var isKnown = false;
        while (true)
        {
            var (found, refused) = await feed.FindAsync(node);
            if (found is null || feed.Snapshot is not { } snapshot)
            {
                return refused ?? FeedAnswer.NoLease;
            }

            if (found.Record.ParityGroup is not null && !isKnown)
            {
                isKnown = await IsKnownAsync(feed, arrival, cancellationToken);
                if (!isKnown)
                {
                    return FeedAnswer.NoLease;
                }

                continue;
            }

            var answer = found.AnswerUnder(snapshot);
            var rest = Lease.PollWait(snapshot.Fleet.Settings, wait) - Clock.GetElapsedTime(arrived);
            if (answer.ETag == etag && rest > TimeSpan.Zero)
            {
                await snapshot.Replaced.WaitAsync(rest, Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
                continue;
            }

            if (grants && feed.IsBehind)
            {
                return FeedAnswer.Behind;
            }

            if (grants && !await MayAnswerAsync(feed, arrived, rest > LeaseWaitMax ? rest : LeaseWaitMax, cancellationToken))
            {
                return FeedAnswer.NoLease;
            }

            // Waiting for the truth may have brought news.
            if (ReferenceEquals(feed.Snapshot, snapshot))
            {
                return answer.ETag == etag ? new FeedAnswer.Unchanged(answer.ETag, answer.Directive.LeaseSec) : answer;
            }
        }
    }

    private static bool ComesBack(FleetFeed feed, FeedNode node, DateTimeOffset at, bool hasTag, string? bootId) =>
        node.Record.ParityGroup is not null && node.ComesBack(feed.Snapshot!.Fleet.Settings, at, hasTag, bootId);

    // A member of a parity group is told nothing before its fleet has heard of it: else the group could go on without one that is served
    // here. And one that comes back is told what was read after that: what was so a second ago may be what its group has left.
    private async Task<bool> IsKnownAsync(FleetFeed feed, Arrival arrival, CancellationToken cancellationToken)
    {
        var began = Clock.GetTimestamp();
        await arrival.Delivered.WaitAsync(LeaseWaitMax, Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        var deliveredAt = Clock.GetTimestamp();
        while (arrival.Delivered.IsCompletedSuccessfully && arrival.ComesBack && !feed.WasReadSince(deliveredAt))
        {
            var rest = LeaseWaitMax - Clock.GetElapsedTime(began);
            if (rest <= TimeSpan.Zero)
            {
                return false;
            }

            await _truth.DemandAsync().WaitAsync(rest, Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return arrival.Delivered.IsCompletedSuccessfully;
    }

    private Task<bool> MayAnswerAsync(FleetFeed feed, long arrived, TimeSpan within, CancellationToken cancellationToken) =>
        IsReadAsync(feed, _ => feed.MayGrant(arrived), within, cancellationToken);

    // Waits, as long as it may, until the truth was read lately enough. Without leases nobody waits for it.
    private async Task<bool> IsReadAsync(FleetFeed feed, Func<int, bool> isEnough, TimeSpan within, CancellationToken cancellationToken)
    {
        var began = Clock.GetTimestamp();
        while (feed.Snapshot is { Fleet: var fleet } && Lease.Grant(fleet.Settings, fleet.Directive) is { } lease && !isEnough(lease))
        {
            var rest = within - Clock.GetElapsedTime(began);
            if (rest <= TimeSpan.Zero)
            {
                return false;
            }

            await _truth.DemandAsync().WaitAsync(rest, Clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return true;
    }

    /// <summary>A node's request.</summary>
    /// <param name="At">When it came.</param>
    /// <param name="Delivered">Ends once the node's fleet has heard of it.</param>
    /// <param name="ComesBack">Whether it may be of a node that was away, or of a new life of its process.</param>
    private readonly record struct Arrival(long At, Task Delivered, bool ComesBack);
}
