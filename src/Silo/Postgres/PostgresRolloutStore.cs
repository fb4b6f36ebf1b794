using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Npgsql;
using OrleansPolicy.Admission;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>The truth, in PostgreSQL.</summary>
public sealed class PostgresRolloutStore : IRolloutStore
{
    private const string FleetColumns =
        """
        SELECT f.tenant, f.fleet, f.settings, d.directive, d.revision, d.arm_epoch,
               (SELECT jsonb_agg(a.state) FROM arm_scope a WHERE a.tenant IN ('', f.tenant) AND a.fleet IN ('', f.fleet)),
               d.parity_base,
               (SELECT jsonb_agg(jsonb_build_object('group', s.parity_group, 'epoch', s.epoch, 'phase', s.phase, 'from', s.from_hash, 'since', s.since))
                FROM parity_switch s WHERE s.tenant = f.tenant AND s.fleet = f.fleet)
        """;

    private const string FleetRows = FleetColumns +
        """

        FROM fleet f JOIN fleet_directive d ON d.tenant = f.tenant AND d.fleet = f.fleet

        """;

    // A fleet's number without reading its rows: what was said about it, its tenant and everything ends an index each.
    private const string ArmEpoch =
        """
        greatest(
            d.arm_epoch,
            (SELECT max(a.arm_epoch) FROM arm_scope a WHERE a.tenant = '' AND a.fleet = ''),
            (SELECT max(a.arm_epoch) FROM arm_scope a WHERE a.tenant = d.tenant AND a.fleet = ''),
            (SELECT max(a.arm_epoch) FROM arm_scope a WHERE a.tenant = d.tenant AND a.fleet = d.fleet))
        """;

    private const int HeadsMax = 10_000;

    // Where each chain ended when this process last wrote to it. A hint: the database says where it ends.
    private readonly ConcurrentDictionary<string, AuditHead> _heads = new(StringComparer.Ordinal);
    private readonly NpgsqlDataSource _dataSource;
    private readonly StoreCalls _calls;
    private readonly NodeTransactions _nodes;
    private readonly DeadlineClaims _deadlines;
    private readonly TimeProvider _time;

    /// <summary>On a database whose schema is in place.</summary>
    public PostgresRolloutStore(NpgsqlDataSource dataSource, TimeProvider time, WriteHealth? writes = null)
    {
        _dataSource = dataSource;
        _time = time;
        _calls = new StoreCalls(dataSource, writes);
        _nodes = new NodeTransactions(dataSource, _calls);
        _deadlines = new DeadlineClaims(_calls);
    }

    /// <inheritdoc/>
    public Task<CommitResult> CommitAsync(PolicyChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        ChangeChecks.Demand(change);
        return _calls.RunAsync((attempt, token) => CommitOnceAsync(change, attempt, token), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<StoredAdmission?> ReadAdmissionAsync(string tenant, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT state, rate_limit, revision FROM admission WHERE tenant = $1",
            [SqlValue.Text(tenant)],
            (reader, token) => reader.ToSingleAsync(
                static row => new StoredAdmission(row.Json<AdmissionState>(0), row.Json<UpdateLimits>(1), row.GetInt64(2)), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<StoredFleet?> ReadFleetAsync(string tenant, string fleet, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            FleetRows + "WHERE f.tenant = $1 AND f.fleet = $2",
            [SqlValue.Text(tenant), SqlValue.Text(fleet)],
            static (reader, token) => reader.ToSingleAsync(ReadFleet, token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<StoredFleet>> ListFleetsAsync(string tenant, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            FleetRows + "WHERE f.tenant = $1 ORDER BY f.fleet",
            [SqlValue.Text(tenant)],
            static (reader, token) => reader.ToArrayAsync(ReadFleet, token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<ChangedFleet>> ReadChangedFleetsAsync(ImmutableArray<KnownFleet> known, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            FleetColumns +
            """
            , k.tenant, k.fleet
            FROM unnest($1, $2, $3, $4) AS k (tenant, fleet, revision, arm_epoch)
            LEFT JOIN fleet_directive d ON d.tenant = k.tenant AND d.fleet = k.fleet
            LEFT JOIN fleet f ON f.tenant = d.tenant AND f.fleet = d.fleet
            WHERE d.tenant IS NULL OR d.revision <> k.revision OR k.arm_epoch <>

            """ + ArmEpoch,
            [
                SqlValue.Texts(known.Select(fleet => fleet.Tenant)),
                SqlValue.Texts(known.Select(fleet => fleet.Fleet)),
                SqlValue.Longs(known.Select(fleet => fleet.Revision)),
                SqlValue.Longs(known.Select(fleet => fleet.ArmEpoch)),
            ],
            static (reader, token) => reader.ToArrayAsync(
                static row => new ChangedFleet(row.GetString(9), row.GetString(10), row.IsDBNull(0) ? null : ReadFleet(row)), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<StoredArm> ReadArmAsync(ArmScope scope, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scope);
        return _calls.ReadAsync(
            """
            SELECT h.arm_epoch, a.state
            FROM arm_head h LEFT JOIN arm_scope a ON a.tenant = $1 AND a.fleet = $2 AND a.node = $3
            """,
            [SqlValue.Text(scope.Tenant ?? ""), SqlValue.Text(scope.Fleet ?? ""), SqlValue.Text(scope.Node ?? "")],
            static async (reader, token) =>
                await reader.ToSingleAsync(static row => new StoredArm(row.GetInt64(0), row.IsDBNull(1) ? null : row.Json<ArmRow>(1)), token)
                ?? throw new InvalidDataException("The row that numbers arms and disarms is missing."),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<FleetName>> ListCoveredAsync(ArmScope scope, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scope);
        return _calls.ReadAsync(
            "SELECT tenant, fleet FROM fleet WHERE ($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR fleet = $2) ORDER BY tenant, fleet",
            [SqlValue.Text(scope.Tenant), SqlValue.Text(scope.Fleet)],
            static (reader, token) => reader.ToArrayAsync(static row => new FleetName(row.GetString(0), row.GetString(1)), token),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<NodeRecord>> ListNodesAsync(string tenant, string fleet, CancellationToken cancellationToken = default) =>
        _nodes.ListAsync(tenant, fleet, cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<LeftNode>> ListLeftAsync(
        string tenant, string fleet, DateTimeOffset since, CancellationToken cancellationToken = default) =>
        _nodes.ListLeftAsync(tenant, fleet, since, cancellationToken);

    /// <inheritdoc/>
    public Task<GroupElsewhere?> FindGroupElsewhereAsync(
        string tenant, string fleet, ImmutableArray<string> groups, CancellationToken cancellationToken = default) =>
        _nodes.FindGroupElsewhereAsync(tenant, fleet, groups, cancellationToken);

    /// <inheritdoc/>
    public Task<DisarmedMember?> FindDisarmedMemberAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, CancellationToken cancellationToken = default) =>
        _nodes.FindDisarmedMemberAsync(tenant, fleet, nodes, cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<NodeRecord>?> RegisterNodesAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, AuditDraft audit, CancellationToken cancellationToken = default) =>
        _nodes.RegisterAsync(tenant, fleet, nodes, audit, cancellationToken);

    /// <inheritdoc/>
    public Task<bool> RemoveNodeAsync(string tenant, string fleet, string node, AuditDraft audit, CancellationToken cancellationToken = default) =>
        _nodes.RemoveAsync(tenant, fleet, node, audit, cancellationToken);

    /// <inheritdoc/>
    public Task<RolloutState?> ReadRolloutAsync(string tenant, string rolloutId, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT state FROM rollout WHERE tenant = $1 AND rollout_id = $2",
            [SqlValue.Text(tenant), SqlValue.Text(rolloutId)],
            static (reader, token) => reader.ToSingleAsync(static row => row.Json<RolloutState>(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<RolloutState>> FindRolloutsAsync(string tenant, ImmutableArray<string> rolloutIds, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT state FROM rollout WHERE tenant = $1 AND rollout_id = ANY ($2)",
            [SqlValue.Text(tenant), SqlValue.Texts(rolloutIds)],
            static (reader, token) => reader.ToArrayAsync(static row => row.Json<RolloutState>(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<RolloutState>> ListRolloutsAsync(string tenant, string? fleet, int limit, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            fleet is null
                ? "SELECT state FROM rollout WHERE tenant = $1 ORDER BY ordinal DESC LIMIT $2"
                : "SELECT state FROM rollout WHERE tenant = $1 AND fleet = $3 ORDER BY ordinal DESC LIMIT $2",
            fleet is null
                ? [SqlValue.Text(tenant), SqlValue.Int(limit)]
                : [SqlValue.Text(tenant), SqlValue.Int(limit), SqlValue.Text(fleet)],
            static (reader, token) => reader.ToArrayAsync(static row => row.Json<RolloutState>(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<RolloutState>> ListInFlightAsync(ArmScope scope, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scope);
        return _calls.ReadAsync(
            "SELECT state FROM rollout WHERE NOT is_final AND ($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR fleet = $2)",
            [SqlValue.Text(scope.Tenant), SqlValue.Text(scope.Fleet)],
            static (reader, token) => reader.ToArrayAsync(static row => row.Json<RolloutState>(0), token),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> ListProvenAsync(string tenant, string fleet, int limit, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            """
            SELECT target FROM rollout
            WHERE tenant = $1 AND fleet = $2 AND phase = 'COMPLETE' AND state ->> 'kind' <> 'fast_track' AND (state ->> 'percentage')::numeric >= 100
            GROUP BY target ORDER BY max(ordinal) DESC LIMIT $3
            """,
            [SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Int(limit)],
            static (reader, token) => reader.ToArrayAsync(static row => row.GetString(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<QuarantinedBundle>> ListQuarantineAsync(string tenant, string fleet, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT record FROM quarantine WHERE tenant = $1 AND fleet = $2 ORDER BY ordinal DESC",
            [SqlValue.Text(tenant), SqlValue.Text(fleet)],
            static (reader, token) => reader.ToArrayAsync(static row => row.Json<QuarantinedBundle>(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<StoredControl>> ListControlsAsync(
        string tenant, string kind, string? id = null, CancellationToken cancellationToken = default) =>
        ReadControlsAsync(tenant, kind, id, int.MaxValue, cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<StoredControl>> ListControlsAsync(string tenant, string kind, int limit, CancellationToken cancellationToken = default) =>
        ReadControlsAsync(tenant, kind, id: null, limit, cancellationToken);

    /// <inheritdoc/>
    public Task<OpenWaves> ReadOpenWavesAsync(string tenant, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            """
            SELECT w.id, w.record, w.revision, (SELECT count(*) FROM tenant_control WHERE tenant = $1 AND kind = $2)::integer
            FROM (SELECT 1) one LEFT JOIN tenant_control w ON w.tenant = $1 AND w.kind = $2 AND w.record ->> 'ended_at' IS NULL
            ORDER BY w.ordinal DESC
            """,
            [SqlValue.Text(tenant), SqlValue.Text(ControlKinds.Wave)],
            static async (reader, token) =>
            {
                var rows = await reader.ToArrayAsync(static row => (Made: row.GetInt32(3), Wave: row.IsDBNull(0) ? null : ControlOf(row)), token);
                return new OpenWaves(rows[0].Made, [.. rows.Select(row => row.Wave).OfType<StoredControl>()]);
            },
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<OverdueRollout>> ReadOverdueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken = default) =>
        _deadlines.ClaimAsync(now, limit, cancellationToken);

    /// <inheritdoc/>
    public Task<OperationWrite?> ReadOperationAsync(string keyId, string operationId, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT body_hash, status, response FROM operation WHERE key_id = $1 AND operation_id = $2 AND created_at > $3",
            [SqlValue.Text(keyId), SqlValue.Text(operationId), SqlValue.Time(_time.GetUtcNow() - CommitBatch.OperationKept)],
            (reader, token) => reader.ToSingleAsync(
                row => new OperationWrite(keyId, operationId, row.GetString(0), row.GetInt32(1), row.GetString(2)), token),
            cancellationToken);

    private static StoredControl ControlOf(NpgsqlDataReader row) => new(row.GetString(0), row.Json<JsonElement>(1), row.GetInt64(2));

    private Task<ImmutableArray<StoredControl>> ReadControlsAsync(string tenant, string kind, string? id, int limit, CancellationToken cancellationToken) =>
        _calls.ReadAsync(
            "SELECT id, record, revision FROM tenant_control WHERE tenant = $1 AND kind = $2 AND ($3::text IS NULL OR id = $3) ORDER BY ordinal DESC LIMIT $4",
            [SqlValue.Text(tenant), SqlValue.Text(kind), SqlValue.Text(id), SqlValue.Int(limit)],
            static (reader, token) => reader.ToArrayAsync(ControlOf, token),
            cancellationToken);

    private async Task<CommitResult> CommitOnceAsync(PolicyChange change, StoreAttempt attempt, CancellationToken token)
    {
        await using var connection = await _dataSource.OpenConnectionAsync(token);
        if (AdmissionStatement.Fits(change) && _heads.TryGetValue(change.Tenant, out var known)
            && await AdmissionStatement.RunAsync(connection, change, known, _time.GetUtcNow(), attempt, token) is { } done)
        {
            return Remember(change.Tenant, done);
        }

        await using var batch = new GuardedBatch(connection);
        CommitBatch.Fill(batch, change, _time.GetUtcNow());
        var (refusal, head) = await batch.RunAsync(change.Tenant, token);
        if (refusal is not null)
        {
            await AuditAppend.RollBackAsync(connection, token);
            return refusal;
        }

        var others = change.ConcernsEveryTenant ? await AuditAppend.LockOthersAsync(connection, change.Tenant, token) : [];
        return Remember(change.Tenant, new CommitResult(
            CommitStatus.Committed, await AuditAppend.CommitAsync(connection, change.Tenant, head, change.Audit, attempt, token, others)));
    }

    private CommitResult Remember(string tenant, CommitResult result)
    {
        if (result.Head is { } head)
        {
            if (_heads.Count >= HeadsMax)
            {
                _heads.Clear();
            }

            _heads[tenant] = head;
        }

        return result;
    }

    private static StoredFleet ReadFleet(NpgsqlDataReader row)
    {
        // The number is beside the directive, not in it: a rollout that writes a directive knows nothing of arming, and must not.
        var arms = FleetArms.Of(row.GetInt64(5), row.IsDBNull(6) ? [] : row.Json<ImmutableArray<ArmRow>>(6));
        var directive = row.Json<Directive>(3) with { ArmEpoch = arms.Epoch };
        return new StoredFleet(row.GetString(0), row.GetString(1), row.Json<FleetSettings>(2), directive, row.GetInt64(4))
        {
            Arms = arms,
            Parity = new FleetParity
            {
                Base = row.IsDBNull(7) ? null : row.Json<Directive>(7),
                Switches = row.IsDBNull(8)
                    ? FleetParity.None.Switches
                    : row.Json<ImmutableArray<ParitySwitch>>(8).ToImmutableSortedDictionary(one => one.Group, one => one, StringComparer.Ordinal),
                ReadAt = directive.Epoch,
            },
        };
    }
}
