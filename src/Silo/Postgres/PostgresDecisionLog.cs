using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.DecisionLogs;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Decision logs, in PostgreSQL. They prove nothing and block nothing: no audit, no lock that a rollout could wait for.</summary>
public sealed class PostgresDecisionLog(NpgsqlDataSource dataSource) : IDecisionHistory
{
    /// <summary>How much one reading for a replay takes at most, in characters.</summary>
    public const int ReplayCharsMax = 32 * 1024 * 1024;

    /// <summary>How many records one statement deletes.</summary>
    public const int DeletedMax = 5_000;

    // No write lasts longer (StoreCalls): what was taken before that is all there, and reading in order of arrival misses nothing.
    private const string Settled = "clock_timestamp() - interval '5 seconds'";

    private const string RoomSql =
        "SELECT EXISTS (SELECT FROM fleet WHERE tenant = $1 AND fleet = $2), coalesce(sum(bytes), 0)::bigint, "
        + "coalesce(max(bytes) FILTER (WHERE fleet = $2 AND node = ANY ($3)), 0)::bigint FROM decision_log_use WHERE tenant = $1";

    private const string AppendSql =
        "WITH added AS (INSERT INTO decision_log (tenant, fleet, node, batch, ordinal, at, record) "
        + "SELECT $1, $2, line.node, $3, line.ordinal, line.at, line.record "
        + "FROM unnest($4::text[], $5::timestamptz[], $6::text[]) WITH ORDINALITY AS line (node, at, record, ordinal) "
        + "ON CONFLICT DO NOTHING RETURNING node, octet_length(record) + $7 AS bytes), "
        + "used AS (INSERT INTO decision_log_use AS known (tenant, fleet, node, bytes) "
        + "SELECT $1, $2, node, sum(bytes) FROM added GROUP BY node ORDER BY node "
        + "ON CONFLICT ON CONSTRAINT decision_log_use_pkey DO UPDATE SET bytes = known.bytes + excluded.bytes) "
        + "SELECT count(*)::int FROM added";

    private const string DeleteSql =
        "WITH old AS (SELECT ctid FROM decision_log WHERE tenant = $1 AND fleet = $2 AND received_at < now() - $3::interval "
        + "ORDER BY received_at LIMIT $4 FOR UPDATE SKIP LOCKED), "
        + "gone AS (DELETE FROM decision_log AS line USING old WHERE line.ctid = old.ctid "
        + "RETURNING line.node, octet_length(line.record) + $5 AS bytes), "
        + "freed AS (UPDATE decision_log_use AS known SET bytes = greatest(known.bytes - sums.bytes, 0) "
        + "FROM (SELECT node, sum(bytes) AS bytes FROM gone GROUP BY node) AS sums "
        + "WHERE known.tenant = $1 AND known.fleet = $2 AND known.node = sums.node) "
        + "SELECT count(*)::int FROM gone";

    private readonly StoreCalls _calls = new(dataSource);

    /// <summary>What is there already, for whoever wants to add to it.</summary>
    public async Task<DecisionLogRoom> ReadRoomAsync(string tenant, string fleet, IEnumerable<string> nodes, CancellationToken cancellationToken = default) =>
        (await _calls.ReadAsync(
            RoomSql,
            [SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Texts(nodes)],
            static (reader, token) => reader.ToSingleAsync(static row => new DecisionLogRoom(row.GetBoolean(0), row.GetInt64(1), row.GetInt64(2)), token),
            cancellationToken))!;

    /// <summary>Stores a batch; how many of its records were not there before. The same batch of the same node again adds nothing.</summary>
    public Task<int> AppendAsync(
        string tenant, string fleet, string batch, ImmutableArray<LoggedDecision> records, CancellationToken cancellationToken = default) =>
        CountAsync(
            AppendSql,
            () =>
            [
                SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Text(batch), SqlValue.Texts(records.Select(record => record.Node)),
                SqlValue.Times(records.Select(record => record.At)), SqlValue.Texts(records.Select(record => record.Line)), SqlValue.Int(DecisionLogLimits.RowBytes),
            ],
            cancellationToken);

    /// <summary>Records in the order of arrival. What came within the last five seconds is not among them yet.</summary>
    public Task<DecisionLogPage> ReadAsync(string tenant, string fleet, DecisionLogFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var sql = new System.Text.StringBuilder(
            $"SELECT received_at, seq, record FROM decision_log WHERE tenant = $1 AND fleet = $2 AND (received_at, seq) > ($3, $4) AND received_at <= {Settled}");
        List<NpgsqlParameter> parameters = [SqlValue.Text(tenant), SqlValue.Text(fleet), SqlValue.Time(filter.After.ReceivedAt), SqlValue.Long(filter.After.Seq)];
        Add("at >=", filter.From is { } from ? SqlValue.Time(from) : null);
        Add("at <", filter.To is { } to ? SqlValue.Time(to) : null);
        Add("node =", filter.Node is { } node ? SqlValue.Text(node) : null);
        parameters.Add(SqlValue.Int(filter.Limit));
        var direction = filter.Newest ? "DESC" : "ASC";
        sql.Append(System.Globalization.CultureInfo.InvariantCulture, $" ORDER BY received_at {direction}, seq {direction} LIMIT ${parameters.Count}");
        return _calls.ReadAsync(sql.ToString(), [.. parameters], (reader, token) => ReadPageAsync(reader, filter, token), cancellationToken);

        void Add(string condition, NpgsqlParameter? value)
        {
            if (value is not null)
            {
                parameters.Add(value);
                sql.Append(System.Globalization.CultureInfo.InvariantCulture, $" AND {condition} ${parameters.Count}");
            }
        }
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<string>> ReadNewestAsync(string tenant, string fleet, int most) =>
        (await ReadAsync(tenant, fleet, new DecisionLogFilter(DecisionLogCursor.Start, most, Newest: true) { CharsMax = ReplayCharsMax })).Lines;

    /// <summary>The logs that have or had records.</summary>
    public Task<ImmutableArray<(string Tenant, string Fleet)>> ListLogsAsync(CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT DISTINCT tenant, fleet FROM decision_log_use ORDER BY tenant, fleet",
            [],
            static (reader, token) => reader.ToArrayAsync(static row => (row.GetString(0), row.GetString(1)), token),
            cancellationToken);

    /// <summary>Deletes up to <see cref="DeletedMax"/> records that were taken longer ago; how many.</summary>
    public Task<int> DeleteOldAsync(string tenant, string fleet, TimeSpan retention, CancellationToken cancellationToken = default) =>
        CountAsync(
            DeleteSql,
            () =>
            [
                SqlValue.Text(tenant), SqlValue.Text(fleet), new NpgsqlParameter { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Interval, Value = retention },
                SqlValue.Int(DeletedMax), SqlValue.Int(DecisionLogLimits.RowBytes),
            ],
            cancellationToken);

    /// <summary>Forgets nodes that have no records any more: names come from outside, and nothing that does may pile up.</summary>
    public Task<int> ForgetEmptyAsync(string tenant, string fleet, CancellationToken cancellationToken = default) => CountAsync(
        "WITH gone AS (DELETE FROM decision_log_use WHERE tenant = $1 AND fleet = $2 AND bytes = 0 RETURNING 1) SELECT count(*)::int FROM gone",
        () => [SqlValue.Text(tenant), SqlValue.Text(fleet)],
        cancellationToken);

    private static async Task<DecisionLogPage> ReadPageAsync(NpgsqlDataReader reader, DecisionLogFilter filter, CancellationToken cancellationToken)
    {
        var lines = ImmutableArray.CreateBuilder<string>();
        var chars = 0L;
        DecisionLogCursor? first = null;
        var last = filter.After;
        while (chars < filter.CharsMax && await reader.ReadAsync(cancellationToken))
        {
            last = new DecisionLogCursor(reader.Time(0), reader.GetInt64(1));
            first ??= last;
            lines.Add(reader.GetString(2));
            chars += lines[^1].Length;
        }

        if (!filter.Newest)
        {
            var more = lines.Count == filter.Limit || chars >= filter.CharsMax;
            return new DecisionLogPage(lines.DrainToImmutable(), last, more);
        }

        // Newest first out of the index, oldest first in the answer; one reads on after the newest.
        lines.Reverse();
        return new DecisionLogPage(lines.DrainToImmutable(), first ?? filter.After, More: false);
    }

    // Appending a batch and deleting what is old do nothing the second time: a repetition after a lost connection is safe.
    private Task<int> CountAsync(string sql, Func<NpgsqlParameter[]> parameters, CancellationToken cancellationToken) => _calls.RunAsync(
        async (_, token) =>
        {
            await using var command = dataSource.CreateCommand(sql);
            command.Parameters.AddRange(parameters());
            return (int)(await command.ExecuteScalarAsync(token))!;
        },
        cancellationToken);
}
