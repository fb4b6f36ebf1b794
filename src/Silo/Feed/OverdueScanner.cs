using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// Looks, in every silo and every second, for rollouts that somebody must have looked at by now. So a rollout whose driver died is
/// driven on within seconds, and the bound of a rollback waits for no reminder. Claims keep two silos from the same row. A grain that
/// gives no answer in time is not waited for: the scanner decides in its place.
/// </summary>
internal sealed class OverdueScanner(
    IRolloutStore store, IGrainFactory grains, OverdueRollouts rollouts, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<OverdueScanner> logger)
    : BackgroundService
{
    /// <summary>The most rollouts of one round.</summary>
    public const int RoundMax = 200;

    private static readonly TimeSpan ScanEvery = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(logger, "Overdue rollouts cannot be read; trying again every second.");
        while (true)
        {
            await rounds.RunAsync(ScanAsync, stoppingToken);
            await Task.Delay(ScanEvery, clock, stoppingToken);
        }
    }

    private async Task ScanAsync(CancellationToken stoppingToken)
    {
        var overdue = await store.ReadOverdueAsync(clock.GetUtcNow(), RoundMax, stoppingToken);
        await Task.WhenAll(overdue.DistinctBy(due => (due.Tenant, due.RolloutId)).Select(LookAsync));
    }

    private async Task LookAsync(OverdueRollout due)
    {
        try
        {
            if (!await AskGrainAsync(due))
            {
                await rollouts.LookAsync(due.Tenant, due.RolloutId);
            }
        }
#pragma warning disable CA1031 // One rollout that cannot be looked at must not keep the scanner from the others; its row stays overdue.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogWarning(exception, "Rollout {Rollout} of {Tenant} is overdue and could not be looked at.", due.RolloutId, due.Tenant);
        }
    }

    private async Task<bool> AskGrainAsync(OverdueRollout due)
    {
        try
        {
            return await grains.Rollout(due.Tenant, due.RolloutId).LookAsync().WaitAsync(OverdueRollouts.AnswerWithin, clock);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            logger.LogWarning(
                exception, "The grain of rollout {Rollout} of {Tenant} gave no answer: it is looked at without it.", due.RolloutId, due.Tenant);
            return false;
        }
    }
}
