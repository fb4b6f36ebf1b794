using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Commits;

namespace OrleansPolicy.Grains.Events;

/// <summary>Passes a tenant's news from silo to silo. It keeps nothing: what nobody listens to is counted in the metrics and gone.</summary>
[GrainType("policy.tenant-events")]
internal sealed class TenantEventsGrain([FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<TenantEventsGrain> logger)
    : Grain, ITenantEventsGrain
{
    private readonly ObserverList<ITenantEventsObserver> _observers = new(clock, logger);

    /// <inheritdoc/>
    public Task PublishAsync(ImmutableArray<RejectionEvent> rejections)
    {
        _observers.Tell(observer => observer.RejectedAsync(rejections));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task SubscribeAsync(ITenantEventsObserver observer)
    {
        _observers.Subscribe(observer);
        return Task.CompletedTask;
    }
}
