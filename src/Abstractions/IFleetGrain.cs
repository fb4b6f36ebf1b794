using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Abstractions;

/// <summary>One fleet (key: <c>tenant/fleet</c>): its registry, its directive's cache and notifier, its reports.</summary>
[Alias("policy.fleet")]
public interface IFleetGrain : IGrainWithStringKey
{
    /// <summary>Creates the fleet or changes its settings. Fails with <c>fleet.settings_invalid</c>, <c>rollout.in_flight</c>, <c>arm.not_yet</c>.</summary>
    [Alias("configure")]
    Task<Outcome<FleetSnapshot>> ConfigureAsync([Immutable] FleetSettings settings, [Immutable] Caller caller);

    /// <summary>Registers nodes, durable before the answer; each is answered in the order asked. Fails with <c>fleet.unknown</c>, <c>name.invalid</c>, <c>parity.not_yet</c>.</summary>
    [Alias("register")]
    Task<Outcome<ImmutableArray<NodeRecord>>> RegisterAsync([Immutable] ImmutableArray<NodeRegistration> nodes, [Immutable] Caller caller);

    /// <summary>Takes a node out. Fails with <c>node.unknown</c>.</summary>
    [Alias("remove")]
    Task<Outcome<NodeRecord>> RemoveAsync(string node, [Immutable] Caller caller);

    /// <summary>Gives the fleet its first bundle; takes one admission. Fails with <c>fleet.has_baseline</c>, <c>bundle.unknown</c>, <c>bundle.expired</c>.</summary>
    [Alias("set-baseline")]
    Task<Outcome<FleetSnapshot>> SetBaselineAsync(string reference, string reason, [Immutable] Caller caller);

    /// <summary>Settings, directive and node counts. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("get")]
    Task<Outcome<FleetSnapshot>> GetAsync();

    /// <summary>All that the decider may know of the fleet now; with the census where asked.</summary>
    [Alias("observe")]
    Task<Outcome<FleetObservation>> ObserveAsync(DateTimeOffset windowStart, bool withCensus);

    /// <summary>Tells that a directive was committed: the fleet passes it on at once.</summary>
    [Alias("directive-committed")]
    Task DirectiveCommittedAsync([Immutable] Directive directive);

    /// <summary>A silo's feed hands over what its nodes reported in the last 100 ms.</summary>
    [Alias("report")]
    Task ReportAsync([Immutable] ImmutableArray<HeardNode> heard);

    /// <summary>Every node with what it last said. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("nodes")]
    Task<Outcome<ImmutableArray<NodeStatus>>> NodesAsync();

    /// <summary>One node. Fails with <c>fleet.unknown</c>, <c>node.unknown</c>.</summary>
    [Alias("node")]
    Task<Outcome<NodeStatus>> NodeAsync(string node);

    /// <summary>Who is proven to run a hash. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("convergence")]
    Task<Outcome<Convergence>> ConvergenceAsync(string policyHash);

    /// <summary>Subscribes a silo's feed; the answer is the state from which the news goes on. Renew within a minute. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("subscribe")]
    Task<Outcome<FleetFeedState>> SubscribeAsync(IFleetObserver observer);
}

/// <summary>A silo's feed, told of a fleet's news.</summary>
[Alias("policy.fleet-observer")]
public interface IFleetObserver : IGrainObserver
{
    /// <summary>A new directive or new settings are durable.</summary>
    [Alias("changed")]
    Task ChangedAsync([Immutable] FleetSnapshot fleet);

    /// <summary>Nodes registered or changed; gone ones by name.</summary>
    [Alias("nodes-changed")]
    Task NodesChangedAsync(string tenant, string fleet, [Immutable] ImmutableArray<NodeRecord> nodes, [Immutable] ImmutableArray<string> gone);
}

/// <summary>What a feed needs to serve a fleet.</summary>
public sealed record FleetFeedState(FleetSnapshot Fleet, ImmutableArray<NodeRecord> Nodes);

/// <summary>A node that was heard: a report, or only a poll.</summary>
/// <param name="Node">The node.</param>
/// <param name="At">When its request arrived, on the silo's clock.</param>
/// <param name="Report">Its newest report since the last hand-over, metrics summed; null: it only polled.</param>
public sealed record HeardNode(string Node, DateTimeOffset At, NodeReport? Report);
