using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Security;

/// <summary>Reads once a second which keys were revoked, so that open polls end without a request that asks.</summary>
public sealed class RevocationReader(KeyCache keys, TimeProvider time) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(KeyCache.RefreshEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await keys.RefreshAsync();
            }
            catch (StoreUnavailableException)
            {
                // Requests hear of it: without a reading no key counts for longer than two seconds.
            }
        }
    }
}
