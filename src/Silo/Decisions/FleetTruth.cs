using System.Collections.Concurrent;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Decisions;

/// <summary>A fleet's row for decisions: read at most once a second, never used when older than two.</summary>
public sealed class FleetTruth(IRolloutStore store, TimeProvider time)
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(1);
    private const int FleetsMax = 10_000;
    private readonly ConcurrentDictionary<(string Tenant, string Fleet), Reading> readings = new();

    /// <summary>The row as it was at most a second ago; null: no such fleet. Throws <see cref="StoreUnavailableException"/>.</summary>
    public async ValueTask<StoredFleet?> ReadAsync(string tenant, string fleet, CancellationToken cancellationToken)
    {
        var key = (tenant, fleet);
        if (readings.TryGetValue(key, out var known) && time.GetElapsedTime(known.StartedAt) < FreshFor)
        {
            return await known.Row.WaitAsync(cancellationToken);
        }

        if (readings.Count >= FleetsMax)
        {
            readings.Clear();
        }

        // The read is shared by all who ask meanwhile, so none of them may cancel it.
        var reading = new Reading(time.GetTimestamp(), store.ReadFleetAsync(tenant, fleet, CancellationToken.None));
        readings[key] = reading;
        return await reading.Row.WaitAsync(cancellationToken);
    }

    private sealed record Reading(long StartedAt, Task<StoredFleet?> Row);
}
