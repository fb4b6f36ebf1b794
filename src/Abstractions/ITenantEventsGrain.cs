using System.Collections.Immutable;
using Orleans.Concurrency;

namespace OrleansPolicy.Abstractions;

/// <summary>A tenant's news that nobody keeps (key: the tenant): brought by whichever silo hears of it, passed on to those where somebody listens.</summary>
[Alias("policy.tenant-events")]
public interface ITenantEventsGrain : IGrainWithStringKey
{
    /// <summary>Passes on what nodes refused. Where nobody listens, nothing happens.</summary>
    [Alias("publish")]
    [AlwaysInterleave]
    Task PublishAsync([Immutable] ImmutableArray<RejectionEvent> rejections);

    /// <summary>Subscribes a silo for <see cref="FleetFeedState.SubscriptionTime"/>, renewable.</summary>
    [Alias("subscribe")]
    [AlwaysInterleave]
    Task SubscribeAsync(ITenantEventsObserver observer);
}

/// <summary>A silo where somebody listens to a tenant's news.</summary>
[Alias("policy.tenant-events-observer")]
public interface ITenantEventsObserver : IGrainObserver
{
    /// <summary>Nodes refused to decide.</summary>
    [Alias("rejected")]
    Task RejectedAsync([Immutable] ImmutableArray<RejectionEvent> rejections);
}

/// <summary>Requests that a node refused for one reason, counted since it was last told of.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Node">The node.</param>
/// <param name="Reason">The code, such as <c>decide.disarmed</c>.</param>
/// <param name="Count">How many requests.</param>
/// <param name="ExpectedPolicyHash">At the last of them: what the node should run; null: nothing yet.</param>
/// <param name="GotPolicyHash">And what it had; null: nothing yet.</param>
/// <param name="At">When the last of them was, on the clock of who refused.</param>
public sealed record RejectionEvent(
    string Fleet, string Node, string Reason, long Count, string? ExpectedPolicyHash, string? GotPolicyHash, DateTimeOffset At);
