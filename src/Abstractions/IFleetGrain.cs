using System.Collections.Immutable;
using Orleans.Concurrency;
using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Abstractions;

/// <summary>One fleet (key: <c>tenant/fleet</c>): its registry, its directive's cache and notifier, its reports.</summary>
[Alias("policy.fleet")]
public interface IFleetGrain : IGrainWithStringKey
{
    /// <summary>Creates the fleet or changes its settings. Fails with <c>fleet.settings_invalid</c>, <c>rollout.in_flight</c>.</summary>
    [Alias("configure")]
    Task<Outcome<FleetSnapshot>> ConfigureAsync([Immutable] FleetSettings settings, [Immutable] Caller caller);

    /// <summary>Registers nodes, durable before the answer; each is answered in the order asked. Fails with <c>fleet.unknown</c>, <c>fleet.file_mode</c>, <c>name.invalid</c>, <c>parity.across_fleets</c>, <c>arm.group_disarmed</c>.</summary>
    [Alias("register")]
    [AlwaysInterleave]
    Task<Outcome<ImmutableArray<NodeRecord>>> RegisterAsync([Immutable] ImmutableArray<NodeRegistration> nodes, [Immutable] Caller caller);

    /// <summary>Takes a node out. Fails with <c>node.unknown</c>.</summary>
    [Alias("remove")]
    Task<Outcome<NodeRecord>> RemoveAsync(string node, [Immutable] Caller caller);

    /// <summary>
    /// Gives the fleet its first bundle; takes one admission. Fails with <c>fleet.has_baseline</c>, <c>bundle.unknown</c>,
    /// <c>bundle.expired</c>. Where it asks for it, a fleet that is disarmed as a whole gets another bundle, all of it at once; then it fails
    /// with <c>fleet.armed</c>, <c>rollout.in_flight</c>, <c>rollout.fleet_split</c>, <c>rollout.already_running</c>, <c>rollout.quarantined</c>.
    /// </summary>
    [Alias("set-baseline")]
    Task<Outcome<FleetSnapshot>> SetBaselineAsync(string reference, string reason, [Immutable] Caller caller, bool whileDisarmed = false);

    /// <summary>
    /// Makes a verified file what the fleet runs, with its audit entry; takes no admission. Fails with <c>fleet.unknown</c>,
    /// <c>reload.managed</c> (it has a baseline), <c>fleet.file_mode</c> (it has other nodes than the control plane's own).
    /// </summary>
    [Alias("load-file")]
    Task<Outcome<FleetSnapshot>> LoadFileAsync([Immutable] VerifiedFile file, [Immutable] Caller caller);

    /// <summary>
    /// Says the same under a higher epoch, because nodes know a higher one than the control plane: afterwards they obey again. Fails with
    /// <c>fleet.unknown</c>, <c>fleet.epoch_invalid</c>.
    /// </summary>
    [Alias("raise-epoch")]
    Task<Outcome<FleetSnapshot>> RaiseEpochAsync(long epoch, string reason, [Immutable] Caller caller);

    /// <summary>Lets the fleet be offered a bundle again. Fails with <c>fleet.unknown</c>, <c>quarantine.unknown</c>.</summary>
    [Alias("release")]
    Task<Outcome<QuarantinedBundle>> ReleaseAsync(string policyHash, string reason, [Immutable] Caller caller);

    /// <summary>Settings, directive and node counts. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("get")]
    [AlwaysInterleave]
    Task<Outcome<FleetSnapshot>> GetAsync();

    /// <summary>
    /// The same without the counts, read from the truth: where that is older than what the asker or the fleet knew before,
    /// <see cref="FleetSnapshot.EpochBehind"/> says so, to everybody from then on. Fails with <c>fleet.unknown</c>.
    /// </summary>
    /// <param name="knownEpoch">The highest epoch that the asker knows to have been durable.</param>
    [Alias("read")]
    [AlwaysInterleave]
    Task<Outcome<FleetSnapshot>> ReadAsync(long knownEpoch);

    /// <summary>
    /// All that the decider may know of the fleet now. A fleet that knows a lower epoch than the asker missed a change and reads the
    /// truth first. Fails with <c>fleet.unknown</c>.
    /// </summary>
    [Alias("observe")]
    [AlwaysInterleave]
    Task<Outcome<FleetObservation>> ObserveAsync([Immutable] FleetWatch watch, CensusSource census);

    /// <summary>Tells that a directive was committed: the fleet passes it on at once.</summary>
    [Alias("directive-committed")]
    [AlwaysInterleave]
    Task DirectiveCommittedAsync([Immutable] Directive directive);

    /// <summary>Tells that something was said about who of the fleet may serve: where the number is new, the fleet reads it and passes it on at once.</summary>
    [Alias("arms-committed")]
    [AlwaysInterleave]
    Task ArmsCommittedAsync(long armEpoch);

    /// <summary>How far an arm or a disarm has come. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("arm-standing")]
    [AlwaysInterleave]
    Task<Outcome<ArmStanding>> ArmStandingAsync([Immutable] ArmWatch watch);

    /// <summary>
    /// A silo's feed hands over what its nodes reported in the last 100 ms. The answer is the registry's stamp: one that the feed does
    /// not have means that it missed news and must subscribe again. Null: nothing was heard, because the fleet could not be read or is not
    /// there.
    /// </summary>
    [Alias("report")]
    [AlwaysInterleave]
    Task<string?> ReportAsync([Immutable] ImmutableArray<HeardNode> heard);

    /// <summary>Every node with what it last said. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("nodes")]
    [AlwaysInterleave]
    Task<Outcome<ImmutableArray<NodeStatus>>> NodesAsync();

    /// <summary>One node. Fails with <c>fleet.unknown</c>, <c>node.unknown</c>.</summary>
    [Alias("node")]
    [AlwaysInterleave]
    Task<Outcome<NodeStatus>> NodeAsync(string node);

    /// <summary>
    /// Whom a handshake of the node asks, by name. Fails with <c>fleet.unknown</c>, <c>node.unknown</c>, <c>parity.role</c> (it registered
    /// with another role than it names).
    /// </summary>
    [Alias("handshake-members")]
    [AlwaysInterleave]
    Task<Outcome<ImmutableArray<HandshakeMember>>> HandshakeMembersAsync(string node, string? role);

    /// <summary>Who is proven to run a hash. Fails with <c>fleet.unknown</c>.</summary>
    [Alias("convergence")]
    [AlwaysInterleave]
    Task<Outcome<Convergence>> ConvergenceAsync(string policyHash);

    /// <summary>
    /// Subscribes a silo's feed for <see cref="FleetFeedState.SubscriptionTime"/>, renewable; the answer is the state from which the news
    /// goes on. Fails with <c>fleet.unknown</c>.
    /// </summary>
    /// <param name="observer">The feed.</param>
    /// <param name="knownStamp">The stamp of the registry that it has; where it is still the newest, the nodes are not sent again.</param>
    [Alias("subscribe")]
    [AlwaysInterleave]
    Task<Outcome<FleetFeedState>> SubscribeAsync(IFleetObserver observer, string? knownStamp);
}

/// <summary>A bundle file that was verified and compiled.</summary>
/// <param name="Path">Where it lay, for people.</param>
/// <param name="PolicyHash">Its hash.</param>
/// <param name="Version">Its version.</param>
/// <param name="Rules">How many rules it has.</param>
/// <param name="KnownEpoch">The highest epoch that the node knows.</param>
public sealed record VerifiedFile(string Path, string PolicyHash, string Version, int Rules, long KnownEpoch);

/// <summary>Where an observation takes its census from.</summary>
public enum CensusSource
{
    /// <summary>It has none.</summary>
    None,

    /// <summary>What the fleet has in memory: to see whether anything follows.</summary>
    Known,

    /// <summary>The registry's rows and the fleet's own, read now: what a stage is cut from, so that nobody below the cut was left uncounted.</summary>
    Stored,
}

/// <summary>A silo's feed, told of a fleet's news.</summary>
[Alias("policy.fleet-observer")]
public interface IFleetObserver : IGrainObserver
{
    /// <summary>A new directive or new settings are durable.</summary>
    [Alias("changed")]
    Task ChangedAsync([Immutable] FleetSnapshot fleet);

    /// <summary>Nodes registered or changed.</summary>
    [Alias("nodes-changed")]
    Task NodesChangedAsync([Immutable] RegistryNews news);
}

/// <summary>What a feed needs to serve a fleet.</summary>
/// <param name="Fleet">Settings and directive.</param>
/// <param name="Nodes">The whole registry; null where the feed has it already.</param>
/// <param name="Stamp">Names this state of the registry.</param>
public sealed record FleetFeedState(FleetSnapshot Fleet, ImmutableArray<NodeRecord>? Nodes, string Stamp)
{
    /// <summary>How long a subscription lasts without being renewed.</summary>
    public static readonly TimeSpan SubscriptionTime = TimeSpan.FromMinutes(1);
}

/// <summary>A change of a fleet's registry.</summary>
/// <param name="Nodes">Registered or changed.</param>
/// <param name="Gone">Left, by name.</param>
/// <param name="PreviousStamp">The state it applies to; a feed with another one missed something and subscribes again.</param>
/// <param name="Stamp">The state after it.</param>
public sealed record RegistryNews(ImmutableArray<NodeRecord> Nodes, ImmutableArray<string> Gone, string PreviousStamp, string Stamp);

/// <summary>A node that was heard: a report, or only a poll.</summary>
/// <param name="Node">The node.</param>
/// <param name="At">When its request arrived, on the silo's clock.</param>
/// <param name="Report">Its newest report since the last hand-over, metrics summed; null: it only polled.</param>
public sealed record HeardNode(string Node, DateTimeOffset At, NodeReport? Report)
{
    /// <summary>
    /// When the first of several reports arrived that were summed, because they could not be handed over one by one; null: at
    /// <see cref="At"/>. What they show was known from then on.
    /// </summary>
    public DateTimeOffset? FirstReportAt { get; init; }
}
