using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Events;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Feed;

/// <summary>What every feed of a silo works with.</summary>
internal sealed class FeedEnvironment(
    IGrainFactory grains,
    ICatalogStore catalog,
    ReloadOutbox reloads,
    RejectionOutbox rejections,
    PolicyMeter meter,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock,
    ILogger<FleetFeed> logger)
{
    /// <summary>The grains.</summary>
    public IGrainFactory Grains => grains;

    /// <summary>The clock.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Where reloads go.</summary>
    public ReloadOutbox Reloads => reloads;

    /// <summary>Where refusals go.</summary>
    public RejectionOutbox Rejections => rejections;

    /// <summary>Where what nodes tell is counted.</summary>
    public PolicyMeter Meter => meter;

    /// <summary>Where feeds log.</summary>
    public ILogger Logger => logger;

    /// <summary>Calls a grain; null where it does not answer, which a feed lives with for a while.</summary>
    public async Task<T?> CallAsync<T>(Func<Task<T>> call)
        where T : class
    {
        try
        {
            return await call();
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            logger.LogInformation(exception, "A grain did not answer a feed.");
            return null;
        }
    }

    /// <summary>The version that a bundle's hash stands for; null where it cannot be read now.</summary>
    public async Task<string?> FindVersionAsync(string tenant, string policyHash)
    {
        try
        {
            return (await catalog.FindBundleAsync(tenant, policyHash))?.Version;
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }
}
