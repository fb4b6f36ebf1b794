using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;

namespace OrleansPolicy.Grains.Commits;

/// <summary>Who follows a grain's news. It is sent and not waited for: a dead silo must not hold up the living ones.</summary>
internal sealed class ObserverList<TObserver>(TimeProvider clock, ILogger logger)
    where TObserver : IGrainObserver
{
    private readonly Dictionary<TObserver, DateTimeOffset> _until = [];

    /// <summary>Adds or renews one.</summary>
    public void Subscribe(TObserver observer) => _until[observer] = clock.GetUtcNow() + FleetFeedState.SubscriptionTime;

    /// <summary>Tells all of them.</summary>
    public void Tell(Func<TObserver, Task> news)
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

    private async Task SendAsync(TObserver observer, Func<TObserver, Task> news)
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
