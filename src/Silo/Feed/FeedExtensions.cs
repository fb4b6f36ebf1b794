using Microsoft.Extensions.DependencyInjection.Extensions;
using OrleansPolicy.Silo.Events;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Feed;

/// <summary>Registers the feed of a silo.</summary>
public static class FeedExtensions
{
    /// <summary>
    /// Adds <see cref="FleetFeeds"/> and the scanner of overdue rollouts. They need the grains, the stores and a clock under
    /// <see cref="Grains.PolicyClock.Key"/>.
    /// </summary>
    public static IServiceCollection AddFleetFeeds(this IServiceCollection services)
    {
        services.TryAddSingleton<PolicyMeter>();
        services.AddSingleton<ReloadOutbox>();
        services.AddSingleton<RejectionOutbox>();
        services.AddSingleton<TruthReader>();
        services.AddSingleton<FeedEnvironment>();
        services.AddSingleton(provider => new FleetFeeds(provider.GetRequiredService<FeedEnvironment>(), provider.GetRequiredService<TruthReader>()));
        services.AddHostedService(provider => provider.GetRequiredService<ReloadOutbox>());
        services.AddHostedService(provider => provider.GetRequiredService<RejectionOutbox>());
        services.AddHostedService(provider => provider.GetRequiredService<TruthReader>());
        services.AddHostedService(provider => provider.GetRequiredService<FleetFeeds>());
        services.AddHostedService<OverdueScanner>();
        return services;
    }
}
