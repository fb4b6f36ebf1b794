using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Events;

/// <summary>Follows one tenant for all its readers in this silo, as long as there is one.</summary>
internal sealed class TenantFollower : ITenantEventsObserver, IDisposable
{
    private const int EntriesMax = 1_000;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RenewEvery = FleetFeedState.SubscriptionTime / 3;

    private readonly string _tenant;
    private readonly IAuditStore _audit;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private ImmutableArray<EventSubscription> _readers = [];
    private long _after;

    public TenantFollower(string tenant, long after, IAuditStore audit, IGrainFactory grains, TimeProvider clock, ILogger logger)
    {
        (_tenant, _after, _audit, _grains, _clock, _logger) = (tenant, after, audit, grains, clock, logger);
        _ = Task.Run(() => RunAsync(_stopping.Token));
    }

    /// <summary>Adds one; the last entry that was read before what it gets.</summary>
    public long Add(EventSubscription reader)
    {
        lock (_gate)
        {
            _readers = _readers.Add(reader);
            return _after;
        }
    }

    /// <summary>True: it was the last.</summary>
    public bool Remove(EventSubscription reader)
    {
        lock (_gate)
        {
            _readers = _readers.Remove(reader);
            return _readers.IsEmpty;
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    /// <inheritdoc/>
    public Task RejectedAsync(ImmutableArray<RejectionEvent> rejections)
    {
        var events = rejections.Select(rejection => new StreamedEvent("rejection", JsonSerializer.SerializeToUtf8Bytes(rejection, PolicyJson.Options), null)).ToList();
        lock (_gate)
        {
            events.ForEach(Give);
        }

        return Task.CompletedTask;
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        var reference = _grains.CreateObjectReference<ITenantEventsObserver>(this);
        long? renewedAt = null;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (renewedAt is not { } at || _clock.GetElapsedTime(at) >= RenewEvery)
                {
                    await _grains.GetGrain<ITenantEventsGrain>(_tenant).SubscribeAsync(reference);
                    renewedAt = _clock.GetTimestamp();
                }

                await ReadAsync(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
#pragma warning disable CA1031 // Whatever it was: readers that hear nothing more would take it for nothing happening.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _logger.LogInformation(exception, "The events of tenant {Tenant} cannot be read now; trying again.", _tenant);
            }

            await Task.Delay(LookEvery, _clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _grains.DeleteObjectReference<ITenantEventsObserver>(reference);
    }

    private async Task ReadAsync(CancellationToken stopping)
    {
        while (true)
        {
            var entries = await _audit.ReadAsync(_tenant, _after, EntriesMax, null, stopping);
            lock (_gate)
            {
                foreach (var entry in entries)
                {
                    _after = entry.Seq;
                    if (TenantEvents.Includes(entry.Draft))
                    {
                        Give(EventStreams.Of(entry));
                    }
                }
            }

            if (entries.Length < EntriesMax)
            {
                return;
            }
        }
    }

    // Under the gate, so that every reader gets everything in the same order.
    private void Give(StreamedEvent happened)
    {
        foreach (var reader in _readers)
        {
            reader.Give(happened);
        }
    }
}
