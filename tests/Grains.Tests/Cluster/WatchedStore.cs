using System.Collections.Immutable;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>One silo's way to the store, with a place to stand between a decision and its commit.</summary>
public sealed class WatchedStore(string silo, IRolloutStore inner, StoreFaults faults) : IRolloutStore
{
    public async Task<CommitResult> CommitAsync(PolicyChange change, CancellationToken cancellationToken = default)
    {
        await faults.BeforeCommit(silo, change);
        var result = await inner.CommitAsync(change, cancellationToken);
        await faults.AfterCommit(silo, change);
        return result;
    }

    public Task<StoredAdmission?> ReadAdmissionAsync(string tenant, CancellationToken cancellationToken = default) =>
        inner.ReadAdmissionAsync(tenant, cancellationToken);

    public async Task<StoredFleet?> ReadFleetAsync(string tenant, string fleet, CancellationToken cancellationToken = default)
    {
        await faults.BeforeFleetRead();
        return await inner.ReadFleetAsync(tenant, fleet, cancellationToken);
    }

    public Task<ImmutableArray<StoredFleet>> ListFleetsAsync(string tenant, CancellationToken cancellationToken = default) =>
        inner.ListFleetsAsync(tenant, cancellationToken);

    public Task<ImmutableArray<ChangedFleet>> ReadChangedFleetsAsync(ImmutableArray<KnownFleet> known, CancellationToken cancellationToken = default) =>
        inner.ReadChangedFleetsAsync(known, cancellationToken);

    public Task<StoredArm> ReadArmAsync(ArmScope scope, CancellationToken cancellationToken = default) =>
        inner.ReadArmAsync(scope, cancellationToken);

    public Task<ImmutableArray<FleetName>> ListCoveredAsync(ArmScope scope, CancellationToken cancellationToken = default) =>
        inner.ListCoveredAsync(scope, cancellationToken);

    public async Task<ImmutableArray<RolloutState>> ListInFlightAsync(ArmScope scope, CancellationToken cancellationToken = default)
    {
        var inFlight = await inner.ListInFlightAsync(scope, cancellationToken);
        faults.InFlightWasRead();
        return inFlight;
    }

    public Task<ImmutableArray<NodeRecord>> ListNodesAsync(string tenant, string fleet, CancellationToken cancellationToken = default) =>
        inner.ListNodesAsync(tenant, fleet, cancellationToken);

    public Task<ImmutableArray<LeftNode>> ListLeftAsync(
        string tenant, string fleet, DateTimeOffset since, CancellationToken cancellationToken = default) =>
        inner.ListLeftAsync(tenant, fleet, since, cancellationToken);

    public async Task<GroupElsewhere?> FindGroupElsewhereAsync(
        string tenant, string fleet, ImmutableArray<string> groups, CancellationToken cancellationToken = default)
    {
        var elsewhere = await inner.FindGroupElsewhereAsync(tenant, fleet, groups, cancellationToken);
        faults.GroupsWereRead();
        return elsewhere;
    }

    public Task<DisarmedMember?> FindDisarmedMemberAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, CancellationToken cancellationToken = default) =>
        inner.FindDisarmedMemberAsync(tenant, fleet, nodes, cancellationToken);

    public async Task<ImmutableArray<NodeRecord>?> RegisterNodesAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, AuditDraft audit, CancellationToken cancellationToken = default)
    {
        await faults.BeforeRegister();
        return await inner.RegisterNodesAsync(tenant, fleet, nodes, audit, cancellationToken);
    }

    public Task<bool> RemoveNodeAsync(string tenant, string fleet, string node, AuditDraft audit, CancellationToken cancellationToken = default) =>
        inner.RemoveNodeAsync(tenant, fleet, node, audit, cancellationToken);

    public Task<ImmutableArray<RolloutState>> FindRolloutsAsync(string tenant, ImmutableArray<string> rolloutIds, CancellationToken cancellationToken = default) =>
        inner.FindRolloutsAsync(tenant, rolloutIds, cancellationToken);

    public Task<RolloutState?> ReadRolloutAsync(string tenant, string rolloutId, CancellationToken cancellationToken = default) =>
        inner.ReadRolloutAsync(tenant, rolloutId, cancellationToken);

    public Task<ImmutableArray<RolloutState>> ListRolloutsAsync(string tenant, string? fleet, int limit, CancellationToken cancellationToken = default) =>
        inner.ListRolloutsAsync(tenant, fleet, limit, cancellationToken);

    public Task<ImmutableArray<string>> ListProvenAsync(string tenant, string fleet, int limit, CancellationToken cancellationToken = default) =>
        inner.ListProvenAsync(tenant, fleet, limit, cancellationToken);

    public Task<ImmutableArray<StoredControl>> ListControlsAsync(
        string tenant, string kind, string? id = null, CancellationToken cancellationToken = default) =>
        inner.ListControlsAsync(tenant, kind, id, cancellationToken);

    public Task<ImmutableArray<StoredControl>> ListControlsAsync(string tenant, string kind, int limit, CancellationToken cancellationToken = default) =>
        inner.ListControlsAsync(tenant, kind, limit, cancellationToken);

    public Task<OpenWaves> ReadOpenWavesAsync(string tenant, CancellationToken cancellationToken = default) =>
        inner.ReadOpenWavesAsync(tenant, cancellationToken);

    public Task<ImmutableArray<QuarantinedBundle>> ListQuarantineAsync(string tenant, string fleet, CancellationToken cancellationToken = default) =>
        inner.ListQuarantineAsync(tenant, fleet, cancellationToken);

    public Task<ImmutableArray<OverdueRollout>> ReadOverdueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken = default) =>
        inner.ReadOverdueAsync(now, limit, cancellationToken);

    public Task<OperationWrite?> ReadOperationAsync(string keyId, string operationId, CancellationToken cancellationToken = default) =>
        inner.ReadOperationAsync(keyId, operationId, cancellationToken);
}

/// <summary>What goes wrong around commits; nothing unless a test says so.</summary>
public sealed class StoreFaults
{
    /// <summary>A decision is about to be committed by a silo.</summary>
    public Func<string, PolicyChange, Task> BeforeCommit { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>It is durable, and nobody has been told yet.</summary>
    public Func<string, PolicyChange, Task> AfterCommit { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>A fleet's row is about to be read.</summary>
    public Func<Task> BeforeFleetRead { get; set; } = () => Task.CompletedTask;

    /// <summary>Somebody has read what is in flight, and decides on it.</summary>
    public Action InFlightWasRead { get; set; } = () => { };

    /// <summary>Nodes are about to be registered.</summary>
    public Func<Task> BeforeRegister { get; set; } = () => Task.CompletedTask;

    /// <summary>Somebody has read whether groups have members in another fleet, and goes by it.</summary>
    public Action GroupsWereRead { get; set; } = () => { };
}
