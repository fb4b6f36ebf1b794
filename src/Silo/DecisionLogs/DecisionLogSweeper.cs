using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.DecisionLogs;

/// <summary>Deletes what is older than the retention, a few thousand records at a time, so that nobody waits for it.</summary>
public sealed class DecisionLogSweeper(PostgresDecisionLog log, SiloSettings settings, TimeProvider time, ILogger<DecisionLogSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenSteps = TimeSpan.FromMilliseconds(50);

    /// <summary>Deletes everything that is too old now. How many records that were.</summary>
    public async Task<long> SweepAsync(CancellationToken cancellationToken)
    {
        var deleted = 0L;
        foreach (var (tenant, fleet) in await log.ListLogsAsync(cancellationToken))
        {
            int step;
            while ((step = await log.DeleteOldAsync(tenant, fleet, settings.DecisionLog.Retention, cancellationToken)) > 0)
            {
                deleted += step;
                await Task.Delay(BetweenSteps, time, cancellationToken);
            }

            await log.ForgetEmptyAsync(tenant, fleet, cancellationToken);
        }

        return deleted;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(logger, "Decision records past their retention cannot be deleted; trying again every minute.");
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await rounds.RunAsync(SweepAsync, stoppingToken);
        }
    }
}
