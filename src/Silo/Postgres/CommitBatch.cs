using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// The statements of a change, always in the same order (so that two changes never wait for each other in a circle): one for each
/// part it has, whatever the number of nodes, keys, tags, deadlines or entries in it.
/// </summary>
internal static class CommitBatch
{
    /// <summary>How long the first answer to an operation is kept.</summary>
    public static readonly TimeSpan OperationKept = TimeSpan.FromHours(24);

    // The operation comes first: whoever repeats a request waits here for the first to end, and then learns that it was done.
    private const string OperationSql =
        """
        INSERT INTO operation AS o (key_id, operation_id, body_hash, status, response, created_at)
        SELECT w.key_id, w.operation_id, w.body_hash, w.status, w.response, $6
        FROM unnest($1, $2, $3, $4, $5) AS w (key_id, operation_id, body_hash, status, response)
        ORDER BY w.key_id COLLATE "C", w.operation_id COLLATE "C"
        ON CONFLICT (key_id, operation_id) DO UPDATE
        SET body_hash = excluded.body_hash, status = excluded.status, response = excluded.response, created_at = excluded.created_at
        WHERE o.created_at <= $7
        """;

    private const string TenantSql =
        """
        WITH head AS (INSERT INTO audit_head (tenant, seq, hash) VALUES ($1, 0, repeat('0', 64)))
        INSERT INTO tenant (tenant, created_at) VALUES ($1, $2)
        """;

    private const string FirstAdmissionSql =
        "INSERT INTO admission (tenant, state, rate_limit, revision) VALUES ($1, $2, $3, $4 + 1) ON CONFLICT (tenant) DO NOTHING";

    private const string AdmissionSql =
        "UPDATE admission SET state = $2, rate_limit = $3, revision = revision + 1 WHERE tenant = $1 AND revision = $4";

    private const string KeysSql =
        """
        INSERT INTO api_key (key_id, tenant, name, subject, role, fleet, node, key_sha256, creators, created_at, expires_at)
        SELECT k.key_id, k.tenant, k.name, k.subject, k.role, k.fleet, k.node, decode(k.key_sha256, 'hex'),
               ARRAY(SELECT jsonb_array_elements_text(k.creators)), k.created_at, k.expires_at
        FROM jsonb_to_recordset($1) AS k (key_id text, tenant text, name text, subject text, role text, fleet text, node text,
                                          key_sha256 text, creators jsonb, created_at timestamptz, expires_at timestamptz)
        """;

    private const string RevokeSql =
        """
        UPDATE api_key SET revoked_at = $3
        WHERE key_id = $1 AND tenant IS NOT DISTINCT FROM $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
        """;

    // Touches a row only where the key is the last one of the installation. All that work are locked in one order, and all of them (an
    // aggregate reads to the end): of two who take back each other's key, the second finds the first one's gone.
    private const string LastKeySql =
        """
        WITH working AS MATERIALIZED (
            SELECT key_id FROM api_key WHERE tenant IS NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
            ORDER BY key_id FOR UPDATE
        )
        UPDATE api_key SET key_id = key_id WHERE key_id = $1 AND ARRAY[$1] = (SELECT array_agg(key_id) FROM working)
        """;

    private const string TrustRootSql =
        """
        INSERT INTO trust_root (tenant, version, document)
        SELECT $1, $2, $3 WHERE $2 = (SELECT coalesce(max(version), 0) + 1 FROM trust_root WHERE tenant = $1)
        """;

    private const string BundleSql =
        "INSERT INTO policy_bundle (tenant, policy_hash, version, sequence, record, content) VALUES ($1, $2, $3, $4, $5, $6)";

    private const string TagsSql =
        """
        INSERT INTO tag (tenant, tag, fleet, policy_hash, reason, moved_by, moved_at)
        SELECT $1, t.tag, t.fleet, t.policy_hash, t.reason, t.moved_by, t.moved_at
        FROM unnest($2, $3, $4, $5, $6, $7) WITH ORDINALITY AS t (tag, fleet, policy_hash, reason, moved_by, moved_at, place)
        ORDER BY t.place
        """;

    private const string RunSql =
        "INSERT INTO run (tenant, run_id, policy_hash, request_hash, record) VALUES ($1, $2, $3, $4, $5)";

    private const string NewFleetSql =
        """
        WITH empty AS (
            INSERT INTO fleet_directive (tenant, fleet, epoch, arm_epoch, directive, revision) VALUES ($1, $2, 0, 0, $5, 1)
        )
        INSERT INTO fleet (tenant, fleet, settings, created_at) VALUES ($1, $2, $3, $4)
        """;

    private const string FleetSql =
        """
        WITH settings AS (
            UPDATE fleet SET settings = $3 WHERE tenant = $1 AND fleet = $2
        ), raised AS (
            UPDATE arm_head SET arm_epoch = arm_epoch + 1 WHERE $5 RETURNING arm_epoch
        )
        UPDATE fleet_directive SET revision = revision + 1, arm_epoch = coalesce((SELECT arm_epoch FROM raised), arm_epoch)
        WHERE tenant = $1 AND fleet = $2 AND ($4::bigint IS NULL OR revision = $4)
        """;

    // The deadlines of before are replaced in the same statement; a claim on one that stays is void, as somebody has just looked.
    private const string DeadlinesSql =
        """
        WITH gone AS (
            DELETE FROM rollout_deadline WHERE tenant = $1 AND rollout_id = $2 AND kind <> ALL ($7)
        ), due AS (
            INSERT INTO rollout_deadline (tenant, rollout_id, kind, due_at)
            SELECT $1, $2, d.kind, d.due_at FROM unnest($7, $8) AS d (kind, due_at)
            ON CONFLICT (tenant, rollout_id, kind) DO UPDATE SET due_at = excluded.due_at, claimed_until = NULL
        )

        """;

    private const string NewRolloutSql = DeadlinesSql +
        """
        INSERT INTO rollout (tenant, rollout_id, fleet, target, is_final, revision, state) VALUES ($1, $2, $9, $3, $4, $5, $6)
        """;

    private const string RolloutSql = DeadlinesSql +
        """
        UPDATE rollout SET target = $3, is_final = $4, revision = $5, state = $6
        WHERE tenant = $1 AND rollout_id = $2 AND fleet = $9 AND revision = $5 - 1
        """;

    private const string DirectiveSql =
        """
        UPDATE fleet_directive SET epoch = $3, directive = $4, revision = revision + 1
        WHERE tenant = $1 AND fleet = $2 AND epoch = $5 AND epoch < $3 AND ($6::bigint IS NULL OR revision = $6)
        """;

    // Guards the rows of all groups: whoever leads them decided on all of them.
    private const string ParityBaseSql =
        """
        UPDATE fleet_directive SET parity_base = $3, revision = revision + 1 WHERE tenant = $1 AND fleet = $2 AND epoch = $4 AND revision = $5
        """;

    private const string ParitySql =
        """
        WITH ended AS (
            DELETE FROM parity_switch WHERE tenant = $1 AND fleet = $2 AND parity_group = ANY ($3)
        )
        INSERT INTO parity_switch (tenant, fleet, parity_group, epoch, phase, from_hash, since)
        SELECT $1, $2, s.parity_group, s.epoch, s.phase, s.from_hash, s.since
        FROM unnest($4, $5, $6, $7, $8) AS s (parity_group, epoch, phase, from_hash, since)
        ON CONFLICT (tenant, fleet, parity_group) DO UPDATE
        SET epoch = excluded.epoch, phase = excluded.phase, from_hash = excluded.from_hash, since = excluded.since
        """;

    private const string QuarantineSql =
        """
        INSERT INTO quarantine AS q (tenant, fleet, policy_hash, record)
        SELECT $1, r ->> 'fleet', r ->> 'policy_hash', r FROM jsonb_array_elements($2) AS r
        ON CONFLICT (tenant, fleet, policy_hash) DO UPDATE SET record = excluded.record
        """;

    private const string ArmSql =
        """
        WITH numbered AS (
            UPDATE arm_head SET arm_epoch = greatest(arm_epoch + 1, $4) WHERE arm_epoch = $6 RETURNING arm_epoch
        )
        INSERT INTO arm_scope AS a (tenant, fleet, node, arm_epoch, state) SELECT $1, $2, $3, $4, $5 FROM numbered
        ON CONFLICT (tenant, fleet, node) DO UPDATE SET arm_epoch = excluded.arm_epoch, state = excluded.state
        """;

    private const string ReleaseSql = "DELETE FROM quarantine WHERE tenant = $1 AND fleet = $2 AND policy_hash = $3";

    /// <summary>All parts of the change.</summary>
    public static void Fill(GuardedBatch batch, PolicyChange change, DateTimeOffset now)
    {
        AddOperation(batch, change, now);
        AddTenant(batch, change, now);
        AddAdmission(batch, change);
        AddKeys(batch, change, now);
        AddCatalog(batch, change);
        AddFleet(batch, change, now);
        AddRollout(batch, change.Tenant, change.Superseded);
        AddRollout(batch, change.Tenant, change.Rollout);
        AddQuarantine(batch, change);
        AddDirective(batch, change);
        ControlStatements.Add(batch, change);
        AddParity(batch, change);
        AddArm(batch, change);
    }

    /// <summary>The operations as statements take them: key ids, ids, hashes of the bodies, statuses, answers.</summary>
    public static NpgsqlParameter[] OperationValues(ImmutableArray<OperationWrite> operations) =>
    [
        SqlValue.Texts(operations.Select(operation => operation.KeyId)), SqlValue.Texts(operations.Select(operation => operation.OperationId)),
        SqlValue.Texts(operations.Select(operation => operation.BodyHash)), SqlValue.Ints(operations.Select(operation => operation.Status)),
        SqlValue.Texts(operations.Select(operation => operation.Response)),
    ];

    private static void AddOperation(GuardedBatch batch, PolicyChange change, DateTimeOffset now)
    {
        if (!change.Operations.IsEmpty)
        {
            batch.AddGuarded(
                CommitStatus.OperationExists, "operation", change.Operations.Length, OperationSql,
                [.. OperationValues(change.Operations), SqlValue.Time(now), SqlValue.Time(now - OperationKept)]);
        }
    }

    private static void AddTenant(GuardedBatch batch, PolicyChange change, DateTimeOffset now)
    {
        if (change.CreatesTenant)
        {
            batch.Add(TenantSql, SqlValue.Text(change.Tenant), SqlValue.Time(now));
        }

        if (change.StrictBundles is { } strict)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "tenant", 1, "UPDATE tenant SET strict_bundles = $2 WHERE tenant = $1", SqlValue.Text(change.Tenant), SqlValue.Flag(strict));
        }
    }

    private static void AddAdmission(GuardedBatch batch, PolicyChange change)
    {
        if (change.Admission is { } admission)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "admission", 1, admission.ExpectedRevision == 0 ? FirstAdmissionSql : AdmissionSql,
                SqlValue.Text(change.Tenant), SqlValue.Json(admission.State), SqlValue.Json(admission.Limits), SqlValue.Long(admission.ExpectedRevision));
        }
    }

    private static void AddKeys(GuardedBatch batch, PolicyChange change, DateTimeOffset now)
    {
        if (!change.Keys.IsEmpty)
        {
            batch.Add(KeysSql, SqlValue.Json(change.Keys.Select(KeyRow.Of)));
        }

        if (change.RevokedKeyId is { } keyId)
        {
            if (change.RevokesInstallationKey)
            {
                batch.AddGuarded(CommitStatus.Conflict, ConflictNames.LastKey, 0, LastKeySql, SqlValue.Text(keyId), SqlValue.Time(now));
            }

            batch.AddGuarded(
                CommitStatus.Stale, "api_key", 1, RevokeSql,
                SqlValue.Text(keyId), SqlValue.Text(change.RevokesInstallationKey ? null : change.Tenant), SqlValue.Time(now));
        }
    }

    private static void AddCatalog(GuardedBatch batch, PolicyChange change)
    {
        if (change.TrustRoot is { } root)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "trust_root", 1, TrustRootSql, SqlValue.Text(change.Tenant), SqlValue.Int(root.Version), SqlValue.Text(root.Document));
        }

        if (change.Bundle is { } bundle)
        {
            batch.Add(
                BundleSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(bundle.Record.PolicyHash), SqlValue.Text(bundle.Record.Version),
                SqlValue.Long(bundle.Record.Sequence), SqlValue.Json(bundle.Record), SqlValue.Bytes(bundle.Content));
        }

        if (change.Run is { } run)
        {
            batch.Add(
                RunSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(run.Record.RunId), SqlValue.Text(run.Record.PolicyHash),
                SqlValue.Text(run.RequestHash), SqlValue.Json(run.Record));
        }

        if (!change.Tags.IsEmpty)
        {
            batch.Add(
                TagsSql,
                SqlValue.Text(change.Tenant), SqlValue.Texts(change.Tags.Select(tag => tag.Tag)), SqlValue.Texts(change.Tags.Select(tag => tag.Fleet ?? "")),
                SqlValue.Texts(change.Tags.Select(tag => tag.PolicyHash)), SqlValue.Texts(change.Tags.Select(tag => tag.Reason)),
                SqlValue.Texts(change.Tags.Select(tag => tag.By)), SqlValue.Times(change.Tags.Select(tag => tag.At)));
        }
    }

    private static void AddFleet(GuardedBatch batch, PolicyChange change, DateTimeOffset now)
    {
        if (change.Fleet is { Creates: true } created)
        {
            batch.Add(
                NewFleetSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(created.Fleet), SqlValue.Json(created.Settings), SqlValue.Time(now),
                SqlValue.Json(new Fleets.Directive { Epoch = 0 }));
        }
        else if (change.Fleet is { } changed)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "fleet", 1, FleetSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(changed.Fleet), SqlValue.Json(changed.Settings), SqlValue.Long(changed.ExpectedRevision),
                SqlValue.Flag(changed.ChangesArming));
        }
    }

    private static void AddRollout(GuardedBatch batch, string tenant, RolloutWrite? write)
    {
        if (write is not { State: var state } rollout)
        {
            return;
        }

        NpgsqlParameter[] parameters =
        [
            SqlValue.Text(tenant), SqlValue.Text(state.RolloutId), SqlValue.Text(state.Target),
            SqlValue.Flag(state.IsFinal), SqlValue.Long(state.Revision), SqlValue.Json(state),
            SqlValue.Texts(rollout.Deadlines.Select(deadline => deadline.Kind)), SqlValue.Times(rollout.Deadlines.Select(deadline => deadline.DueAt)),
            SqlValue.Text(state.Fleet),
        ];
        batch.AddGuarded(CommitStatus.Stale, "rollout", 1, rollout.ExpectedRevision == 0 ? NewRolloutSql : RolloutSql, parameters);
    }

    private static void AddQuarantine(GuardedBatch batch, PolicyChange change)
    {
        if (!change.Quarantined.IsEmpty)
        {
            batch.Add(QuarantineSql, SqlValue.Text(change.Tenant), SqlValue.Json(change.Quarantined));
        }

        if (change.Released is { } released)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "quarantine", 1, ReleaseSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(released.Fleet), SqlValue.Text(released.PolicyHash));
        }
    }

    private static void AddDirective(GuardedBatch batch, PolicyChange change)
    {
        if (change.Directive is { } write)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "fleet_directive", 1, DirectiveSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(write.Fleet), SqlValue.Long(write.Directive.Epoch),
                SqlValue.Json(write.Directive), SqlValue.Long(write.ExpectedEpoch), SqlValue.Long(write.ExpectedRevision));
        }
    }

    private static void AddParity(GuardedBatch batch, PolicyChange change)
    {
        if (change.Parity is { } write)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "fleet_directive", 1, ParityBaseSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(write.Fleet), SqlValue.Json(write.Base), SqlValue.Long(write.Base.Epoch),
                SqlValue.Long(write.ExpectedRevision));
            batch.Add(
                ParitySql,
                SqlValue.Text(change.Tenant), SqlValue.Text(write.Fleet), SqlValue.Texts(write.Ended), SqlValue.Texts(write.Put.Select(put => put.Group)),
                SqlValue.Longs(write.Put.Select(put => put.Epoch)), SqlValue.Texts(write.Put.Select(put => put.Phase == ParityPhase.Prepare ? "prepare" : "quiesce")),
                SqlValue.Texts(write.Put.Select(put => put.From)), SqlValue.Times(write.Put.Select(put => put.Since)));
        }
    }

    private static void AddArm(GuardedBatch batch, PolicyChange change)
    {
        if (change.Arm is { Row: var row } write)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "arm_head", 1, ArmSql,
                SqlValue.Text(row.Scope.Tenant ?? ""), SqlValue.Text(row.Scope.Fleet ?? ""), SqlValue.Text(row.Scope.Node ?? ""),
                SqlValue.Long(row.ArmEpoch), SqlValue.Json(row), SqlValue.Long(write.ExpectedEpoch));
        }
    }

    /// <summary>A key as the statement takes it.</summary>
    private sealed record KeyRow(
        string KeyId, string? Tenant, string Name, string Subject, string Role, string? Fleet, string? Node, string KeySha256,
        ImmutableArray<string> Creators, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt)
    {
        public static KeyRow Of(KeyWrite key) => new(
            key.KeyId, key.Tenant, key.Name, key.Subject, key.Role, key.Fleet, key.Node, Convert.ToHexStringLower(key.KeySha256.AsSpan()),
            key.Creators.IsDefault ? [] : key.Creators, key.CreatedAt, key.ExpiresAt);
    }
}
