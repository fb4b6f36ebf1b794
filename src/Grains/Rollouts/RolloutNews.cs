using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>What everybody is told of a rollout's durable change: the fleet, the metrics, the log. None of it may fail the change, which stands.</summary>
internal sealed partial class RolloutNews(IGrainFactory grains, RolloutMeter meter, ILogger<RolloutNews> logger)
{
    /// <summary>Counts that the grain which drives a rollout looks at it.</summary>
    public void CountLook(RolloutState state) => meter.Look(state);

    /// <summary>Tells it. Where the fleet's grain does not hear it, the silos' feeds read the directive within a second by themselves.</summary>
    public async Task TellAsync(DecidedChange change)
    {
        if (change.Superseded is { } superseded)
        {
            Note(superseded);
        }

        Note(change);
        if (change.After is { WaveId: { } waveId } after && after.Phase != change.Before?.Phase)
        {
            // Sent and not waited for: the wave may be waiting for this very change. What it misses it sees when it looks by itself.
            _ = grains.Wave(after.Tenant, waveId).LookAsync();
        }

        if (change.Directive is not { } directive)
        {
            return;
        }

        try
        {
            await grains.Fleet(change.After.Tenant, change.After.Fleet).DirectiveCommittedAsync(directive);
        }
#pragma warning disable CA1031 // Whatever is wrong with the fleet's grain, its feeds read the truth.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogUntold(logger, exception, change.After.Fleet, change.After.RolloutId);
        }
    }

    private void Note(DecidedChange change)
    {
        meter.Note(change.Before, change.After);
        if (change.After.Return is { OverdueAt: not null } && change.Before?.Return?.OverdueAt is null)
        {
            LogOverdue(logger, change.After.RolloutId, change.After.Fleet, change.After.Why.Sentence);
        }
    }

    [LoggerMessage(1210, LogLevel.Warning, "Fleet {Fleet} could not be told of rollout {Rollout} at once; its feeds read it.")]
    private static partial void LogUntold(ILogger logger, Exception exception, string fleet, string rollout);

    [LoggerMessage(1211, LogLevel.Error, "The way back of rollout {Rollout} of fleet {Fleet} is overdue: {Sentence}")]
    private static partial void LogOverdue(ILogger logger, string rollout, string fleet, string sentence);
}
