using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Security;

/// <summary>Reads once a second which keys were revoked, so that open polls end without a request that asks.</summary>
public sealed class RevocationReader(KeyCache keys, TimeProvider time, ILogger<RevocationReader> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(logger, "Revoked keys cannot be read: no key counts until they can.");
        using var timer = new PeriodicTimer(KeyCache.RefreshEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await rounds.RunAsync(_ => keys.RefreshAsync(), stoppingToken);
        }
    }
}
