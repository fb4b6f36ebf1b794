using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Registrations: many nodes in as many statements as one.</summary>
internal sealed class NodeTransactions(NpgsqlDataSource dataSource, StoreCalls calls)
{
    /// <summary>Registrations in one call.</summary>
    public const int BatchMax = 10_000;

    // Not FOR UPDATE: that would also hold up whoever merely refers to the fleet.
    private const string LockFleetSql = "SELECT last_registration FROM fleet WHERE tenant = $1 AND fleet = $2 FOR NO KEY UPDATE";

    // Runs after the lock was taken, as a statement of its own: so it sees what the holder before us wrote.
    private const string RegisterSql =
        """
        WITH asked AS (
            SELECT * FROM unnest($3, $4, $5, $6, $7) WITH ORDINALITY AS a (node, role, parity_group, failure_domain, labels, place)
        ), compared AS (
            SELECT a.*, n.registration AS old_registration, n.registered_at AS old_registered_at, n.parity_group AS old_parity_group, coalesce(
                       n.left_at IS NULL AND n.parity_group IS NOT DISTINCT FROM a.parity_group AND n.failure_domain = a.failure_domain,
                       false) AS keeps_number,
                   n.role IS NOT DISTINCT FROM a.role AND n.labels = a.labels AS keeps_rest
            FROM asked a LEFT JOIN node n ON n.tenant = $1 AND n.fleet = $2 AND n.node = a.node
        ), numbered AS (
            SELECT c.*,
                   CASE WHEN keeps_number THEN old_registration
                        ELSE f.last_registration + row_number() OVER (PARTITION BY keeps_number ORDER BY place) END AS registration,
                   CASE WHEN keeps_number THEN old_registered_at ELSE $8 END AS registered_at
            FROM compared c JOIN fleet f ON f.tenant = $1 AND f.fleet = $2
        ), standing AS (
            SELECT DISTINCT ON (parity_group) parity_group, group_domain, group_registration FROM node
            WHERE tenant = $1 AND fleet = $2 AND left_at IS NULL AND parity_group = ANY ($5) ORDER BY parity_group, registration
        ), placed AS (
            SELECT n.*,
                   CASE WHEN n.parity_group IS NULL THEN NULL
                        ELSE coalesce(s.group_domain, first_value(n.failure_domain) OVER (PARTITION BY n.parity_group ORDER BY n.registration)) END AS group_domain,
                   CASE WHEN n.parity_group IS NULL THEN NULL
                        ELSE coalesce(s.group_registration, first_value(n.registration) OVER (PARTITION BY n.parity_group ORDER BY n.registration)) END
                       AS group_registration
            FROM numbered n LEFT JOIN standing s ON s.parity_group = n.parity_group
        ), written AS (
            INSERT INTO node (tenant, fleet, node, registration, role, parity_group, failure_domain, labels, registered_at, group_domain, group_registration)
            SELECT $1, $2, node, registration, role, parity_group, failure_domain, labels, registered_at, group_domain, group_registration
            FROM placed WHERE NOT (keeps_number AND keeps_rest)
            ON CONFLICT (tenant, fleet, node) DO UPDATE
            SET registration = excluded.registration, role = excluded.role, parity_group = excluded.parity_group,
                failure_domain = excluded.failure_domain, labels = excluded.labels, registered_at = excluded.registered_at, left_at = NULL,
                group_domain = excluded.group_domain, group_registration = excluded.group_registration
        ), raised AS (
            UPDATE fleet SET last_registration = last_registration + n.fresh
            FROM (SELECT count(*) AS fresh FROM numbered WHERE NOT keeps_number) n
            WHERE tenant = $1 AND fleet = $2 AND n.fresh > 0
        )
        SELECT registration, registered_at, keeps_number AND keeps_rest, group_domain, group_registration, old_parity_group FROM placed ORDER BY place
        """;

    private const string RemoveSql =
        "UPDATE node SET left_at = $4 WHERE tenant = $1 AND fleet = $2 AND node = $3 AND left_at IS NULL";

    private const string ListSql =
        """
        SELECT node, registration, role, parity_group, failure_domain, labels, registered_at, group_domain, group_registration FROM node
        WHERE tenant = $1 AND fleet = $2 AND left_at IS NULL ORDER BY registration
        """;

    private const string LeftSql =
        """
        SELECT node, registration, role, parity_group, failure_domain, labels, registered_at, group_domain, group_registration, left_at FROM node
        WHERE tenant = $1 AND fleet = $2 AND left_at >= $3
        """;

    private const string ElsewhereSql =
        """
        SELECT parity_group, fleet FROM node
        WHERE tenant = $1 AND fleet <> $2 AND left_at IS NULL AND parity_group = ANY ($3) LIMIT 1
        """;

    // A node that left is still a member as far as this goes: to leave and to come back is no way out of a disarm.
    private const string DisarmedMemberSql =
        """
        SELECT n.node, n.parity_group
        FROM unnest($3, $4) AS a (node, parity_group)
        JOIN node n ON n.tenant = $1 AND n.fleet = $2 AND n.node = a.node AND n.parity_group IS DISTINCT FROM a.parity_group
        JOIN arm_scope s ON s.tenant = $1 AND s.fleet = $2 AND s.node = 'group:' || n.parity_group AND NOT (s.state ->> 'armed')::boolean
        LIMIT 1
        """;

    private const string DisarmedGroupSql =
        "SELECT 1 FROM arm_scope WHERE tenant = $1 AND fleet = $2 AND node = ANY ($3) AND NOT (state ->> 'armed')::boolean LIMIT 1";

    public Task<ImmutableArray<NodeRecord>> ListAsync(string tenant, string fleet, CancellationToken cancellationToken) =>
        calls.ReadAsync(
            ListSql,
            [SqlValue.Text(tenant), SqlValue.Text(fleet)],
            static (reader, token) => reader.ToArrayAsync(ReadNode, token),
            cancellationToken);

    public Task<ImmutableArray<LeftNode>> ListLeftAsync(string tenant, string fleet, DateTimeOffset since, CancellationToken cancellationToken) =>
        calls.ReadAsync(
            LeftSql,
            [SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Time(since)],
            static (reader, token) => reader.ToArrayAsync(static row => new LeftNode(ReadNode(row), row.Time(9)), token),
            cancellationToken);

    public Task<GroupElsewhere?> FindGroupElsewhereAsync(
        string tenant, string fleet, ImmutableArray<string> groups, CancellationToken cancellationToken) =>
        calls.ReadAsync(
            ElsewhereSql,
            [SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Texts(groups)],
            static (reader, token) => reader.ToSingleAsync(static row => new GroupElsewhere(row.GetString(0), row.GetString(1)), token),
            cancellationToken);

    public Task<DisarmedMember?> FindDisarmedMemberAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, CancellationToken cancellationToken) =>
        calls.ReadAsync(
            DisarmedMemberSql,
            [SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Texts(nodes.Select(node => node.Node)), SqlValue.Texts(nodes.Select(node => node.ParityGroup))],
            static (reader, token) => reader.ToSingleAsync(static row => new DisarmedMember(row.GetString(0), row.GetString(1)), token),
            cancellationToken);

    public Task<ImmutableArray<NodeRecord>?> RegisterAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, AuditDraft audit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes.Length, BatchMax);
        if (nodes.Select(node => node.Node).Distinct(StringComparer.Ordinal).Count() != nodes.Length)
        {
            throw new ArgumentException("A node is named once in a batch.", nameof(nodes));
        }

        return calls.RunAsync((attempt, token) => RegisterOnceAsync(tenant, fleet, nodes, audit, attempt, token), cancellationToken);
    }

    public Task<bool> RemoveAsync(string tenant, string fleet, string node, AuditDraft audit, CancellationToken cancellationToken) =>
        calls.RunAsync((attempt, token) => RemoveOnceAsync(tenant, fleet, node, audit, attempt, token), cancellationToken);

    private async Task<ImmutableArray<NodeRecord>?> RegisterOnceAsync(
        string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, AuditDraft audit, StoreAttempt attempt, CancellationToken token)
    {
        await using var connection = await dataSource.OpenConnectionAsync(token);
        var (found, changed, elsewhere, left, head, records) = await WriteAsync(connection, tenant, fleet, nodes, audit.At, token);
        var refused = elsewhere || (!left.IsEmpty && await IsAnyDisarmedAsync(connection, tenant, fleet, left, token));
        if (found && changed && !refused && head is not null)
        {
            await AuditAppend.CommitAsync(connection, tenant, head, [audit], attempt, token);
            return records;
        }

        // Nothing to write (a node that comes back as it was): no entry either.
        await AuditAppend.RollBackAsync(connection, token);
        return found && !(changed && refused) ? records : null;
    }

    // After the head too, so that no disarm of the tenant can be committed between this look and the end.
    private static async Task<bool> IsAnyDisarmedAsync(
        NpgsqlConnection connection, string tenant, string fleet, ImmutableArray<string> groups, CancellationToken token)
    {
        await using var command = new NpgsqlCommand(DisarmedGroupSql, connection)
        {
            Parameters = { SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Texts(groups.Select(group => "group:" + group)) },
        };
        return await command.ExecuteScalarAsync(token) is not null;
    }

    private static async Task<(bool Found, bool Changed, bool Elsewhere, ImmutableArray<string> Left, AuditHead? Head, ImmutableArray<NodeRecord> Records)> WriteAsync(
        NpgsqlConnection connection, string tenant, string fleet, ImmutableArray<NodeRegistration> nodes, DateTimeOffset at, CancellationToken token)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("BEGIN"),
                new NpgsqlBatchCommand(LockFleetSql) { Parameters = { SqlValue.Text(tenant), SqlValue.Text(fleet) } },
                new NpgsqlBatchCommand(RegisterSql)
                {
                    Parameters =
                    {
                        SqlValue.Text(tenant),
                        SqlValue.Text(fleet),
                        SqlValue.Texts(nodes.Select(node => node.Node)),
                        SqlValue.Texts(nodes.Select(node => node.Role)),
                        SqlValue.Texts(nodes.Select(node => node.ParityGroup)),
                        SqlValue.Texts(nodes.Select(node => node.FailureDomain)),
                        SqlValue.Jsons(nodes.Select(node => node.Labels)),
                        SqlValue.Time(at),
                    },
                },
                new NpgsqlBatchCommand(AuditAppend.LockHeadSql) { Parameters = { SqlValue.Text(tenant) } },
            },
        };
        if (nodes.Any(node => node.ParityGroup is not null))
        {
            // After the head, which every registration of the tenant holds to its end: it sees what those before this one wrote.
            batch.BatchCommands.Add(new NpgsqlBatchCommand(ElsewhereSql)
            {
                Parameters = { SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Texts(nodes.Select(node => node.ParityGroup)) },
            });
        }

        await using var reader = await batch.ExecuteReaderAsync(token);
        var found = await reader.ReadAsync(token);
        await reader.NextResultAsync(token);
        var changed = false;
        var records = ImmutableArray.CreateBuilder<NodeRecord>(nodes.Length);
        var left = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(token))
        {
            if (reader.Text(5) is { } group && group != nodes[records.Count].ParityGroup)
            {
                left.Add(group);
            }

            records.Add(ToRecord(nodes[records.Count], reader.GetInt64(0), reader.Time(1)) with { Group = ReadGroup(reader, 3) });
            changed |= !reader.GetBoolean(2);
        }

        await reader.NextResultAsync(token);
        var head = await reader.ToSingleAsync(AuditAppend.ReadHead, token);
        var elsewhere = await reader.NextResultAsync(token) && await reader.ReadAsync(token);
        return (found, changed, elsewhere, [.. left], head, records.DrainToImmutable());
    }

    private async Task<bool> RemoveOnceAsync(
        string tenant, string fleet, string node, AuditDraft audit, StoreAttempt attempt, CancellationToken token)
    {
        await using var connection = await dataSource.OpenConnectionAsync(token);
        await using var batch = new GuardedBatch(connection);
        batch.AddGuarded(
            CommitStatus.Stale, "node", 1, RemoveSql,
            SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Text(node), SqlValue.Time(audit.At));
        var (refusal, head) = await batch.RunAsync(tenant, token);
        if (refusal is not null)
        {
            await AuditAppend.RollBackAsync(connection, token);
            return false;
        }

        await AuditAppend.CommitAsync(connection, tenant, head, [audit], attempt, token);
        return true;
    }

    private static NodeRecord ToRecord(NodeRegistration asked, long registration, DateTimeOffset registeredAt) => new()
    {
        Node = asked.Node,
        Registration = registration,
        Role = asked.Role,
        ParityGroup = asked.ParityGroup,
        FailureDomain = asked.FailureDomain,
        Labels = asked.Labels,
        RegisteredAt = registeredAt,
    };

    private static NodeRecord ReadNode(NpgsqlDataReader row) => new()
    {
        Node = row.GetString(0),
        Registration = row.GetInt64(1),
        Role = row.Text(2),
        ParityGroup = row.Text(3),
        FailureDomain = row.GetString(4),
        Labels = row.Json<ImmutableSortedDictionary<string, string>>(5),
        RegisteredAt = row.Time(6),
        Group = ReadGroup(row, 7),
    };

    private static GroupPlace? ReadGroup(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : new GroupPlace(row.GetString(column), row.GetInt64(column + 1));
}
