using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>The statements of a change that concern the tenant's controls: one that is set, and those on which it was decided.</summary>
internal static class ControlStatements
{
    private const string NewControlSql =
        "INSERT INTO tenant_control (tenant, kind, id, record, revision) VALUES ($1, $2, $3, $4, $5 + 1) ON CONFLICT (tenant, kind, id) DO NOTHING";

    private const string ControlSql =
        "UPDATE tenant_control SET record = $4, revision = revision + 1 WHERE tenant = $1 AND kind = $2 AND id = $3 AND revision = $5";

    // A row that is written locks like one that is changed: the control stays as it was until this change is durable.
    private const string HoldControlSql =
        "UPDATE tenant_control SET revision = revision WHERE tenant = $1 AND kind = $2 AND id = $3 AND revision = $4";

    private const string HoldNewControlSql =
        "INSERT INTO tenant_control (tenant, kind, id, record, revision) VALUES ($1, $2, $3, '{}', $4 + 1) ON CONFLICT (tenant, kind, id) DO NOTHING";

    // A statement of its own, after the one that waited for the row: it sees what was committed until then.
    private const string CountInFlightSql =
        """
        UPDATE tenant_control SET revision = revision
        WHERE tenant = $1 AND kind = $2 AND id = $3 AND (SELECT count(*) FROM rollout WHERE tenant = $1 AND NOT is_final) <= $4
        """;

    private const string CountOfKindSql =
        """
        UPDATE tenant_control SET revision = revision
        WHERE tenant = $1 AND kind = $2 AND id = $3 AND (SELECT count(*) FROM tenant_control WHERE tenant = $1 AND kind = $5) <= $4
        """;

    /// <summary>Those of the change.</summary>
    public static void Add(GuardedBatch batch, PolicyChange change)
    {
        AddWrite(batch, change);
        AddGuards(batch, change);
        AddInFlightMax(batch, change);
        AddOfKindMax(batch, change);
    }

    private static void AddWrite(GuardedBatch batch, PolicyChange change)
    {
        if (change.Control is { } control)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "tenant_control", 1, control.ExpectedRevision == 0 ? NewControlSql : ControlSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(control.Kind), SqlValue.Text(control.Id), SqlValue.Json(control.Record),
                SqlValue.Long(control.ExpectedRevision));
        }
    }

    // By name, so that two changes that rest on the same controls never wait for each other in a circle.
    private static void AddGuards(GuardedBatch batch, PolicyChange change)
    {
        foreach (var guard in change.DecidedOn.OrderBy(guard => guard.Kind, StringComparer.Ordinal).ThenBy(guard => guard.Id, StringComparer.Ordinal))
        {
            batch.AddGuarded(
                CommitStatus.Stale, "tenant_control", 1, guard.Revision == 0 ? HoldNewControlSql : HoldControlSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(guard.Kind), SqlValue.Text(guard.Id), SqlValue.Long(guard.Revision));
        }
    }

    private static void AddInFlightMax(GuardedBatch batch, PolicyChange change)
    {
        if (change.Rollout?.InFlightMax is { } limit)
        {
            batch.AddGuarded(
                CommitStatus.Stale, "rollout", 1, CountInFlightSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(ControlKinds.Restraints), SqlValue.Text(ControlKinds.OfTenant), SqlValue.Int(limit));
        }
    }

    private static void AddOfKindMax(GuardedBatch batch, PolicyChange change)
    {
        if (change.Control is { OfKindMax: { } limit, Kind: var kind })
        {
            batch.AddGuarded(
                CommitStatus.Stale, "tenant_control", 1, CountOfKindSql,
                SqlValue.Text(change.Tenant), SqlValue.Text(ControlKinds.Restraints), SqlValue.Text(ControlKinds.OfTenant), SqlValue.Int(limit), SqlValue.Text(kind));
        }
    }
}
