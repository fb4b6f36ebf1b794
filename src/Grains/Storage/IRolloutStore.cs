using System.Collections.Immutable;
using OrleansPolicy.Admission;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Grains.Storage;

/// <summary>The truth. Every call ends within 5 seconds or throws <see cref="StoreUnavailableException"/>.</summary>
public interface IRolloutStore
{
    /// <summary>Makes a change durable, whole or not at all. An exception leaves the outcome unknown: repeat with the same operation.</summary>
    Task<CommitResult> CommitAsync(PolicyChange change, CancellationToken cancellationToken = default);

    /// <summary>The limiter's row; null before the first admission.</summary>
    Task<StoredAdmission?> ReadAdmissionAsync(string tenant, CancellationToken cancellationToken = default);

    /// <summary>A fleet with its directive; null where there is none.</summary>
    Task<StoredFleet?> ReadFleetAsync(string tenant, string fleet, CancellationToken cancellationToken = default);

    /// <summary>All fleets of a tenant, by name.</summary>
    Task<ImmutableArray<StoredFleet>> ListFleetsAsync(string tenant, CancellationToken cancellationToken = default);

    /// <summary>What was last said about a scope, and the highest number of the installation.</summary>
    Task<StoredArm> ReadArmAsync(ArmScope scope, CancellationToken cancellationToken = default);

    /// <summary>The fleets that a scope covers, or is in.</summary>
    Task<ImmutableArray<FleetName>> ListCoveredAsync(ArmScope scope, CancellationToken cancellationToken = default);

    /// <summary>
    /// The fleets whose directive, settings or arms differ from the known ones, and those that are not there any more. That it answers proves
    /// all the others unchanged at the moment of asking.
    /// </summary>
    Task<ImmutableArray<ChangedFleet>> ReadChangedFleetsAsync(ImmutableArray<KnownFleet> known, CancellationToken cancellationToken = default);

    /// <summary>The nodes of a fleet that have not left, by registration.</summary>
    Task<ImmutableArray<NodeRecord>> ListNodesAsync(string tenant, string fleet, CancellationToken cancellationToken = default);

    /// <summary>Nodes that left at or after a moment: their lease may not have ended.</summary>
    Task<ImmutableArray<LeftNode>> ListLeftAsync(
        string tenant, string fleet, DateTimeOffset since, CancellationToken cancellationToken = default);

    /// <summary>One of these groups that has members in another fleet of the tenant; null: none has.</summary>
    Task<GroupElsewhere?> FindGroupElsewhereAsync(
        string tenant, string fleet, ImmutableArray<string> groups, CancellationToken cancellationToken = default);

    /// <summary>One of these nodes that is stored, left or not, as a member of a disarmed group which the registration takes it out of; null: none is.</summary>
    Task<DisarmedMember?> FindDisarmedMemberAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, CancellationToken cancellationToken = default);

    /// <summary>
    /// Registers up to 10,000 nodes in one transaction with one audit entry: numbers rise under the fleet's row lock. A node that
    /// is there keeps its number unless its group or domain changed. Null: nothing was written, for there is no such fleet, one of the
    /// groups has members in another fleet by now, or a node would leave a group that is disarmed.
    /// </summary>
    Task<ImmutableArray<NodeRecord>?> RegisterNodesAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, AuditDraft audit, CancellationToken cancellationToken = default);

    /// <summary>Marks a node as left, with its audit entry. False: it was not there.</summary>
    Task<bool> RemoveNodeAsync(string tenant, string fleet, string node, AuditDraft audit, CancellationToken cancellationToken = default);

    /// <summary>One rollout.</summary>
    Task<RolloutState?> ReadRolloutAsync(string tenant, string rolloutId, CancellationToken cancellationToken = default);

    /// <summary>Those of some rollouts that are there, in no order.</summary>
    Task<ImmutableArray<RolloutState>> FindRolloutsAsync(string tenant, ImmutableArray<string> rolloutIds, CancellationToken cancellationToken = default);

    /// <summary>Rollouts, newest first, of one fleet or all; at most <paramref name="limit"/>.</summary>
    Task<ImmutableArray<RolloutState>> ListRolloutsAsync(string tenant, string? fleet, int limit, CancellationToken cancellationToken = default);

    /// <summary>The rollouts that are not final in the fleets that a scope covers.</summary>
    Task<ImmutableArray<RolloutState>> ListInFlightAsync(ArmScope scope, CancellationToken cancellationToken = default);

    /// <summary>
    /// Bundles that the whole of a fleet ran, as its baseline or by a rollout that completed at 100 %, whenever that was: the one that was
    /// so last first, at most <paramref name="limit"/>.
    /// </summary>
    Task<ImmutableArray<string>> ListProvenAsync(string tenant, string fleet, int limit, CancellationToken cancellationToken = default);

    /// <summary>What a fleet is not offered, newest first.</summary>
    Task<ImmutableArray<QuarantinedBundle>> ListQuarantineAsync(string tenant, string fleet, CancellationToken cancellationToken = default);

    /// <summary>The controls of one kind, newest first; one where <paramref name="id"/> is given.</summary>
    Task<ImmutableArray<StoredControl>> ListControlsAsync(string tenant, string kind, string? id = null, CancellationToken cancellationToken = default);

    /// <summary>The newest controls of one kind, newest first; at most <paramref name="limit"/>.</summary>
    Task<ImmutableArray<StoredControl>> ListControlsAsync(string tenant, string kind, int limit, CancellationToken cancellationToken = default);

    /// <summary>The waves that are not over, newest first, and how many the tenant has made in all at that moment.</summary>
    Task<OpenWaves> ReadOpenWavesAsync(string tenant, CancellationToken cancellationToken = default);

    /// <summary>Claims up to <paramref name="limit"/> overdue deadlines of all tenants, skipping those that another silo is looking at.</summary>
    Task<ImmutableArray<OverdueRollout>> ReadOverdueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken = default);

    /// <summary>The first answer to an operation, at most 24 hours old.</summary>
    Task<OperationWrite?> ReadOperationAsync(string keyId, string operationId, CancellationToken cancellationToken = default);
}

/// <summary>Bundles, tags and trust roots, read.</summary>
public interface ICatalogStore
{
    /// <summary>
    /// By <c>ref</c>: a hash, a version, <c>tag:NAME</c>, <c>tag:NAME@FLEET</c> or <c>run:ID</c>. The hash of a document alone finds the
    /// newest bundle with that document.
    /// </summary>
    Task<BundleRecord?> FindBundleAsync(string tenant, string reference, CancellationToken cancellationToken = default);

    /// <summary>Newest first.</summary>
    Task<ImmutableArray<BundleRecord>> ListBundlesAsync(string tenant, int limit, CancellationToken cancellationToken = default);

    /// <summary>The bytes as published.</summary>
    Task<ImmutableArray<byte>?> ReadContentAsync(string tenant, string policyHash, CancellationToken cancellationToken = default);

    /// <summary>Every move of every tag, newest first.</summary>
    Task<ImmutableArray<TagRecord>> ListTagsAsync(string tenant, CancellationToken cancellationToken = default);

    /// <summary>Where each tag points now, by name; of the tenant, and of one fleet where that is named.</summary>
    Task<ImmutableArray<TagInForce>> ListTagsInForceAsync(string tenant, string? fleet, CancellationToken cancellationToken = default);

    /// <summary>A recorded run.</summary>
    Task<RunWrite?> FindRunAsync(string tenant, string runId, CancellationToken cancellationToken = default);

    /// <summary>Recorded runs, newest first; those under one policy where that is named.</summary>
    Task<ImmutableArray<RunRecord>> ListRunsAsync(string tenant, string? policyHash, int limit, CancellationToken cancellationToken = default);

    /// <summary>A trust root as JSON; the newest where <paramref name="version"/> is null.</summary>
    Task<TrustRootWrite?> ReadTrustRootAsync(string tenant, int? version = null, CancellationToken cancellationToken = default);

    /// <summary>Whether the tenant refuses bundles with fields that nothing reads.</summary>
    Task<bool> ReadStrictAsync(string tenant, CancellationToken cancellationToken = default);

    /// <summary>The highest sequence published; null where none had one.</summary>
    Task<long?> ReadHighestSequenceAsync(string tenant, CancellationToken cancellationToken = default);
}

/// <summary>The audit chain, read.</summary>
public interface IAuditStore
{
    /// <summary>Entries after <paramref name="after"/>, in order; optionally only those whose subject starts with <paramref name="subject"/>.</summary>
    Task<ImmutableArray<AuditEntry>> ReadAsync(
        string tenant, long after, int limit, string? subject = null, CancellationToken cancellationToken = default);

    /// <summary>Entries that fit a filter, newest first.</summary>
    Task<ImmutableArray<AuditEntry>> FindAsync(string tenant, AuditFilter filter, int limit, CancellationToken cancellationToken = default);

    /// <summary>Where the chain ends.</summary>
    Task<AuditHead> ReadHeadAsync(string tenant, CancellationToken cancellationToken = default);
}

/// <summary>Which entries are wanted; all that is null is not looked at.</summary>
public sealed record AuditFilter
{
    /// <summary>Only entries before this number.</summary>
    public long? Before { get; init; }

    /// <summary>Only what was done to this subject or to what is below it: <c>fleets/edge</c>, and <c>fleets/edge/rollouts/7f…</c> too.</summary>
    public string? Subject { get; init; }

    /// <summary>Only what this subject of a key did.</summary>
    public string? Actor { get; init; }

    /// <summary>Only from this moment on.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only before this moment.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>Tenants and keys, read.</summary>
public interface IKeyStore
{
    /// <summary>The keys that work now among those with these SHA-256 of what was shown; the others are unknown, expired or revoked.</summary>
    Task<ImmutableArray<KeyWrite>> FindKeysAsync(
        ImmutableArray<ImmutableArray<byte>> keySha256, DateTimeOffset now, CancellationToken cancellationToken = default);

    /// <summary>
    /// Ids of the keys revoked at or after a moment. One small statement a second tells a cache all it must forget, where asking
    /// again for each key would cost as many statements as there are nodes. A revocation is dated before it commits, by the clock of
    /// the silo that made it: ask with an overlap of ten seconds.
    /// </summary>
    Task<ImmutableArray<string>> ReadRevokedKeysAsync(DateTimeOffset since, CancellationToken cancellationToken = default);

    /// <summary>The keys of a tenant (null: the installation) that are not revoked.</summary>
    Task<ImmutableArray<KeyWrite>> ListKeysAsync(string? tenant, CancellationToken cancellationToken = default);

    /// <summary>All tenants, by name.</summary>
    Task<ImmutableArray<string>> ListTenantsAsync(CancellationToken cancellationToken = default);
}

/// <summary>The limiter's row.</summary>
public sealed record StoredAdmission(AdmissionState State, UpdateLimits Limits, long Revision);

/// <summary>A fleet's row with its directive. <paramref name="Revision"/> rises with every change of settings, directive or parity.</summary>
public sealed record StoredFleet(string Tenant, string Fleet, FleetSettings Settings, Directive Directive, long Revision)
{
    /// <summary>What was said about who of it may serve.</summary>
    public FleetArms Arms { get; init; } = FleetArms.None;

    /// <summary>Where its parity groups stand, read beside the directive.</summary>
    public FleetParity Parity { get; init; } = FleetParity.None;
}

/// <summary>The waves of a tenant that are not over, and how many there are with those that are.</summary>
public sealed record OpenWaves(int Made, ImmutableArray<StoredControl> Open);

/// <summary>A node that left.</summary>
public sealed record LeftNode(NodeRecord Record, DateTimeOffset LeftAt);

/// <summary>A parity group of another fleet.</summary>
public sealed record GroupElsewhere(string Group, string Fleet);

/// <summary>A member of a parity group that is disarmed.</summary>
public sealed record DisarmedMember(string Node, string Group);

/// <summary>A fleet's name.</summary>
public sealed record FleetName(string Tenant, string Fleet);

/// <summary>A scope's row (null: nothing was said about it), and the highest number that any arm or disarm has.</summary>
public sealed record StoredArm(long LastEpoch, ArmRow? Row);

/// <summary>What a reader has of a fleet.</summary>
public sealed record KnownFleet(string Tenant, string Fleet, long Revision, long ArmEpoch = 0);

/// <summary>A fleet that is not as a reader has it.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Fleet">The fleet.</param>
/// <param name="Stored">As it is now; null: it is gone. Nobody deletes fleets, so the database is an older one than the reader's.</param>
public sealed record ChangedFleet(string Tenant, string Fleet, StoredFleet? Stored);

/// <summary>A rollout with something overdue.</summary>
public sealed record OverdueRollout(string Tenant, string RolloutId, RolloutDeadline Deadline);

/// <summary>The store did not answer in time or at all. Whether a write took effect is unknown.</summary>
public sealed class StoreUnavailableException : Exception
{
    /// <summary>With the cause.</summary>
    public StoreUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>Required by convention.</summary>
    public StoreUnavailableException()
    {
    }

    /// <summary>Required by convention.</summary>
    public StoreUnavailableException(string message)
        : base(message)
    {
    }
}
