using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>The feeds that follow a fleet. News is sent and not waited for: a dead silo must not hold up the living ones.</summary>
internal sealed class FleetObservers(TimeProvider clock, ILogger logger)
{
    private readonly Dictionary<IFleetObserver, DateTimeOffset> _until = [];

    /// <summary>Adds or renews one.</summary>
    public void Subscribe(IFleetObserver observer) => _until[observer] = clock.GetUtcNow() + FleetFeedState.SubscriptionTime;

    /// <summary>Tells all of them.</summary>
    public void Tell(Func<IFleetObserver, Task> news)
    {
        var now = clock.GetUtcNow();
        foreach (var (observer, until) in _until.ToArray())
        {
            if (until <= now)
            {
                _until.Remove(observer);
            }
            else
            {
                _ = SendAsync(observer, news);
            }
        }
    }

    private async Task SendAsync(IFleetObserver observer, Func<IFleetObserver, Task> news)
    {
        try
        {
            await news(observer);
        }
#pragma warning disable CA1031 // Whatever is wrong with a feed, it finds out itself: by the stamp of its next report, or by reading.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogInformation(exception, "A feed could not be told of news and is dropped; it subscribes again.");
            _until.Remove(observer);
        }
    }
}
