using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// One fleet as one silo serves it: the directive and the registry, kept by the fleet's news and checked by reading the truth. However
/// many nodes poll, the fleet has one subscriber in this silo, and the store one reader.
/// </summary>
internal sealed class FleetFeed : IFleetObserver
{
    private static readonly TimeSpan RenewEvery = FleetFeedState.SubscriptionTime / 3;

    private readonly FeedEnvironment _environment;
    private readonly ConcurrentDictionary<string, FeedNode> _nodes = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly ReportHandover _handover;
    private ImmutableDictionary<string, string> _versions = ImmutableDictionary.Create<string, string>(StringComparer.Ordinal);
    private volatile FeedSnapshot? _snapshot;
    private IFleetObserver? _reference;
    private Task<FeedAnswer.Refused?>? _subscribing;
    private string? _stamp;
    private long _subscribedAt;
    private long _readAt = long.MinValue;
    private long _usedAt;
    private int _waiting;
    private long _reportedEpoch;
    private long _highestEpoch;

    public FleetFeed(string tenant, string fleet, FeedEnvironment environment)
    {
        Tenant = tenant;
        Fleet = fleet;
        _environment = environment;
        _usedAt = environment.Clock.GetTimestamp();
        _handover = new ReportHandover(this, environment);
    }

    /// <summary>The tenant.</summary>
    public string Tenant { get; }

    /// <summary>The fleet.</summary>
    public string Fleet { get; }

    /// <summary>What it serves now; null before the first subscription.</summary>
    public FeedSnapshot? Snapshot => _snapshot;

    /// <summary>Whether nodes, or this feed, know a higher epoch than the truth: no lease is granted on what is older than what was obeyed.</summary>
    public bool IsBehind => _snapshot is { } snapshot
        && Math.Max(Volatile.Read(ref _reportedEpoch), Volatile.Read(ref _highestEpoch)) > snapshot.Fleet.Directive.Epoch;

    /// <summary>Whether somebody waits, or asked within a time.</summary>
    public bool IsUsedWithin(TimeSpan time) => Volatile.Read(ref _waiting) > 0 || _environment.Clock.GetElapsedTime(Volatile.Read(ref _usedAt)) <= time;

    /// <summary>A request begins: it keeps the reader awake until it is disposed.</summary>
    public FeedUse Use()
    {
        Interlocked.Increment(ref _waiting);
        return new FeedUse(this);
    }

    /// <summary>A request ended.</summary>
    public void Unuse()
    {
        Volatile.Write(ref _usedAt, _environment.Clock.GetTimestamp());
        Interlocked.Decrement(ref _waiting);
    }

    /// <summary>Makes sure that there is something to serve. Null, or why there is not.</summary>
    public async Task<FeedAnswer.Refused?> ReadyAsync()
    {
        // What is here already is good enough to serve from: the reader of the truth checks it every second.
        return _snapshot is null ? await SubscribeAsync() : null;
    }

    /// <summary>Renews the subscription when it is time.</summary>
    public Task MaintainAsync() =>
        _snapshot is not null && _environment.Clock.GetElapsedTime(Volatile.Read(ref _subscribedAt)) >= RenewEvery ? SubscribeAsync() : Task.CompletedTask;

    /// <summary>A node of the fleet, or why there is none: 404 where the fleet says so, 503 where it says nothing.</summary>
    public async ValueTask<(FeedNode? Node, FeedAnswer.Refused? Refused)> FindAsync(string node)
    {
        if (_nodes.TryGetValue(node, out var known))
        {
            return (known, null);
        }

        // Registered a moment ago, perhaps: the fleet knows before its news is here. Its silo may just have died, and a node that was
        // told that nobody knows it would register anew.
        return await _environment.CallAsync(() => _environment.Grains.Fleet(Tenant, Fleet).NodeAsync(node)) switch
        {
            { Succeeded: true } asked => (_nodes.GetOrAdd(node, new FeedNode(asked.Value.Record, _environment.Clock.GetUtcNow())), null),
            { Problems: [{ Code: "node.unknown" or "fleet.unknown" }, ..] } =>
                (null, new FeedAnswer.Refused(404, "node.unknown", $"There is no node '{node}' in fleet '{Fleet}'.")),
            _ => (null, FeedAnswer.NoLease),
        };
    }

    /// <summary>Notes a request of a node; with a report, whether it is news; and when the fleet has heard of it.</summary>
    public bool Hear(FeedNode node, DateTimeOffset at, NodeReport? report, out Task delivered)
    {
        var isNews = node.Hear(at, report);
        delivered = _handover.AddAsync(new HeardNode(node.Record.Node, at, isNews ? report : null));
        if (isNews)
        {
            _environment.Rejections.Add(Tenant, Fleet, node.Record.Node, report!.Rejections);
        }

        if (isNews && report is { Promotions: > 0 and var promotions })
        {
            _environment.Meter.Promotions.Add(promotions, new("tenant", Tenant), new KeyValuePair<string, object?>("fleet", Fleet));
        }

        if (isNews && report is { Reload: { } reload })
        {
            _environment.Reloads.Add(Tenant, Fleet, node.Record.Node, reload, report.Epoch);
        }

        return isNews;
    }

    /// <summary>Whether a lease may be granted to a request: the truth was read after it arrived, or at most two seconds ago.</summary>
    public bool MayGrant(long arrived) => WasReadSince(arrived) || WasReadWithin(Lease.ReadAge);

    /// <summary>Whether a read of the truth that began at or after a moment has ended.</summary>
    public bool WasReadSince(long moment) => Volatile.Read(ref _readAt) is var read && read != long.MinValue && read >= moment;

    /// <summary>Whether the truth was read within a time.</summary>
    public bool WasReadWithin(TimeSpan time)
    {
        var read = Volatile.Read(ref _readAt);
        return read != long.MinValue && _environment.Clock.GetElapsedTime(read) <= time;
    }

    /// <summary>Takes what a read of the truth said; null: nothing changed.</summary>
    /// <param name="changed">The fleet, where it is another than the one known, or gone.</param>
    /// <param name="before">What was known when the read began.</param>
    /// <param name="started">When that was.</param>
    public async Task TakeReadAsync(ChangedFleet? changed, FeedSnapshot before, long started)
    {
        var (isOlder, isGone) = (false, changed is { Stored: null });
        if (changed?.Stored is { } stored)
        {
            var read = new FleetSnapshot
            {
                Tenant = Tenant,
                Fleet = Fleet,
                Settings = stored.Settings,
                Directive = stored.Directive,
                Arms = stored.Arms,
                Parity = stored.Parity,
                Revision = stored.Revision,
            };
            isOlder = before.Fleet.IsAheadOf(read);
            await TakeAsync(read, known => known.AfterReading(read, before.Fleet));
        }

        if (!isOlder && !isGone)
        {
            Volatile.Write(ref _readAt, started);
        }

        // The truth is an older one than this feed knew: its fleet must know it too. Nobody waits for it, for other feeds wait for this one.
        if (Volatile.Read(ref _highestEpoch) is var highest && (isOlder || ((isGone || IsBehind) && Volatile.Read(ref _reportedEpoch) < highest)))
        {
            _ = _environment.CallAsync(() => _environment.Grains.Fleet(Tenant, Fleet).ReadAsync(highest));
        }
    }

    /// <summary>Hands over what was heard, and learns whether news of the registry was missed. False: the fleet heard nothing.</summary>
    public async Task<bool> HandOverAsync(ImmutableArray<HeardNode> words)
    {
        var stamp = await _environment.Grains.Fleet(Tenant, Fleet).ReportAsync(words);
        if (stamp is not null && stamp != Volatile.Read(ref _stamp))
        {
            await SubscribeAsync();
        }

        return stamp is not null;
    }

    /// <summary>Ends the subscription of a feed that nobody uses any more.</summary>
    public void Close()
    {
        if (_reference is { } reference)
        {
            _environment.Grains.DeleteObjectReference<IFleetObserver>(reference);
        }
    }

    /// <inheritdoc/>
    public Task ChangedAsync(FleetSnapshot fleet)
    {
        Volatile.Write(ref _reportedEpoch, fleet.EpochBehind ?? 0);
        return HearAsync(fleet);
    }

    /// <inheritdoc/>
    public Task NodesChangedAsync(RegistryNews news)
    {
        lock (_gate)
        {
            if (_stamp != news.PreviousStamp)
            {
                // News was missed; the next hand-over or renewal finds the stamps different and reads everything.
                return Task.CompletedTask;
            }

            Apply(news.Nodes, news.Gone);
            _stamp = news.Stamp;
        }

        return Task.CompletedTask;
    }

    private Task<FeedAnswer.Refused?> SubscribeAsync()
    {
        lock (_gate)
        {
            return _subscribing is { IsCompleted: false } running ? running : _subscribing = SubscribeOnceAsync();
        }
    }

    private async Task<FeedAnswer.Refused?> SubscribeOnceAsync()
    {
        await Task.Yield();
        var at = _environment.Clock.GetTimestamp();
        _reference ??= _environment.Grains.CreateObjectReference<IFleetObserver>(this);
        var stamp = Volatile.Read(ref _stamp);
        var answer = await _environment.CallAsync(() => _environment.Grains.Fleet(Tenant, Fleet).SubscribeAsync(_reference, stamp));
        if (answer is not { Succeeded: true })
        {
            return answer is { Problems: [{ Code: "fleet.unknown" } unknown, ..] }
                ? new FeedAnswer.Refused(404, unknown.Code, unknown.Message)
                : FeedAnswer.NoLease;
        }

        if (answer.Value.Nodes is { } nodes)
        {
            lock (_gate)
            {
                var names = nodes.Select(node => node.Node).ToHashSet(StringComparer.Ordinal);
                Apply(nodes, [.. _nodes.Keys.Where(node => !names.Contains(node))]);
                _stamp = answer.Value.Stamp;
            }
        }

        Volatile.Write(ref _reportedEpoch, answer.Value.Fleet.EpochBehind ?? 0);
        await HearAsync(answer.Value.Fleet);
        Volatile.Write(ref _subscribedAt, at);
        return null;
    }

    // Under the gate. Where a node that may be waiting hears something else now, everybody is woken: it is rare, and they look and wait on.
    private void Apply(ImmutableArray<NodeRecord> nodes, ImmutableArray<string> gone)
    {
        var wakes = false;
        foreach (var record in nodes)
        {
            var node = _nodes.GetOrAdd(record.Node, _ => new FeedNode(record, _environment.Clock.GetUtcNow()));
            if ((node.Record.Registration != record.Registration || node.Record.OverCap != record.OverCap) && _snapshot is { } snapshot)
            {
                wakes |= snapshot.AnswerFor(node.Record).ETag != snapshot.AnswerFor(record).ETag;
            }

            node.Record = record;
        }

        foreach (var name in gone)
        {
            wakes |= _nodes.TryRemove(name, out _);
        }

        if (wakes && _snapshot is { } current)
        {
            Swap(new FeedSnapshot(current.Fleet, _versions));
        }
    }

    private Task HearAsync(FleetSnapshot heard) => TakeAsync(heard, known => known.IsNews(heard) ? known.With(heard) : null);

    private async Task TakeAsync(FleetSnapshot fleet, Func<FleetSnapshot, FleetSnapshot?> after)
    {
        if (Next() is null)
        {
            return;
        }

        await LearnVersionsAsync(fleet.Directive);
        lock (_gate)
        {
            if (Next() is { } next)
            {
                Swap(new FeedSnapshot(next, _versions));
            }
        }

        FleetSnapshot? Next() => _snapshot is { } known ? after(known.Fleet) : fleet;
    }

    private void Swap(FeedSnapshot next)
    {
        var old = _snapshot;
        Volatile.Write(ref _highestEpoch, Math.Max(_highestEpoch, next.Fleet.Directive.Epoch));
        _snapshot = next;
        old?.Replace();
    }

    // A bundle's version never changes, so each is read once. Where it cannot be read the directive goes out without it: it is for
    // people, and a rollback does not wait for people's text.
    private async Task LearnVersionsAsync(Directive directive)
    {
        if (FileDirective.Holds(directive))
        {
            return;
        }

        foreach (var hash in new[] { directive.Target, directive.Fallback })
        {
            if (hash is not null && !_versions.ContainsKey(hash) && await _environment.FindVersionAsync(Tenant, hash) is { } version)
            {
                ImmutableInterlocked.TryAdd(ref _versions, hash, version);
            }
        }
    }
}

/// <summary>The time of one request at a feed.</summary>
internal readonly struct FeedUse(FleetFeed feed) : IDisposable
{
    /// <summary>The feed.</summary>
    public FleetFeed Feed => feed;

    /// <inheritdoc/>
    public void Dispose() => feed.Unuse();
}
