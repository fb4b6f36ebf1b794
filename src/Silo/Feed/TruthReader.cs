using System.Collections.Immutable;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// Reads, for all fleets that this silo serves and in one statement, what changed. Leases rest on it: that it answers proves that
/// everything else is as it was. At most once a second, and only while somebody asks or asked lately.
/// </summary>
internal sealed class TruthReader(
    IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<TruthReader> logger) : BackgroundService
{
    /// <summary>The least time between two reads.</summary>
    public static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _demand = new(0, 1);
    private volatile TaskCompletionSource _nextRead = NewSignal();
    private volatile Func<ImmutableArray<FleetFeed>> _inUse = () => [];

    /// <summary>Names whom it reads for.</summary>
    public void ReadFor(Func<ImmutableArray<FleetFeed>> inUse) => _inUse = inUse;

    /// <summary>Asks for a read; the answer ends with the next one, whether it succeeded or not.</summary>
    public Task DemandAsync()
    {
        var next = _nextRead.Task;
        if (_demand.CurrentCount == 0)
        {
            try
            {
                _demand.Release();
            }
            catch (SemaphoreFullException)
            {
                // Somebody else asked at the same moment.
            }
        }

        return next;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _demand.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(logger, "The directives cannot be read: no leases are granted until they can.");
        while (true)
        {
            var feeds = _inUse();
            if (feeds.IsEmpty)
            {
                await _demand.WaitAsync(stoppingToken);
                feeds = _inUse();
            }

            var started = clock.GetTimestamp();
            await rounds.RunAsync(token => ReadAsync(feeds, started, token), stoppingToken);
            var rest = ReadEvery - clock.GetElapsedTime(started);
            if (rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, clock, stoppingToken);
            }
        }
    }

    private async Task ReadAsync(ImmutableArray<FleetFeed> feeds, long started, CancellationToken stoppingToken)
    {
        try
        {
            var known = feeds.Select(feed => (Feed: feed, feed.Snapshot)).Where(pair => pair.Snapshot is not null).ToList();
            if (known.Count > 0)
            {
                var changed = await store.ReadChangedFleetsAsync([.. known.Select(pair => pair.Snapshot!.Known)], stoppingToken);
                var byFleet = changed.ToDictionary(fleet => (fleet.Tenant, fleet.Fleet));
                foreach (var (feed, before) in known)
                {
                    await feed.TakeReadAsync(byFleet.GetValueOrDefault((feed.Tenant, feed.Fleet)), before!, started);
                }
            }
        }
        finally
        {
            Interlocked.Exchange(ref _nextRead, NewSignal()).TrySetResult();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
