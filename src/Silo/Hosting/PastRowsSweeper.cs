using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>Deletes the rows that nobody reads any more, every ten minutes in every silo: what one of them is at the others pass over.</summary>
internal sealed class PastRowsSweeper(PastRows rows, TimeProvider time, ILogger<PastRowsSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(logger, "Rows that are past their time cannot be deleted; trying again every ten minutes.");
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await rounds.RunAsync(rows.SweepAsync, stoppingToken);
        }
    }
}
