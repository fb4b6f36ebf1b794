using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// Looks, in every silo and every second, for rollouts that somebody must have looked at by now. So a rollout whose driver died is
/// driven on within seconds, and the bound of a rollback waits for no reminder. Claims keep two silos from the same row.
/// </summary>
internal sealed class OverdueScanner(
    IRolloutStore store, IGrainFactory grains, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<OverdueScanner> logger)
    : BackgroundService
{
    /// <summary>The most rollouts of one round.</summary>
    public const int RoundMax = 200;

    private static readonly TimeSpan ScanEvery = TimeSpan.FromSeconds(1);
    private bool _failed;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await ScanAsync(stoppingToken);
            await Task.Delay(ScanEvery, clock, stoppingToken);
        }
    }

    private async Task ScanAsync(CancellationToken stoppingToken)
    {
        try
        {
            var overdue = await store.ReadOverdueAsync(clock.GetUtcNow(), RoundMax, stoppingToken);
            _failed = false;
            await Task.WhenAll(overdue.DistinctBy(due => (due.Tenant, due.RolloutId)).Select(LookAsync));
        }
        catch (StoreUnavailableException exception)
        {
            if (!_failed)
            {
                logger.LogWarning(exception, "Overdue rollouts cannot be read; trying again every second.");
            }

            _failed = true;
        }
    }

    private async Task LookAsync(OverdueRollout due)
    {
        try
        {
            await grains.Rollout(due.Tenant, due.RolloutId).LookAsync();
        }
#pragma warning disable CA1031 // One rollout that cannot be looked at must not keep the scanner from the others; its row stays overdue.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogWarning(exception, "Rollout {Rollout} of {Tenant} is overdue and could not be looked at.", due.RolloutId, due.Tenant);
        }
    }
}
