using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Silo.Webhooks;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>How far webhooks are, in PostgreSQL. A claim keeps every other silo from sending for a webhook until it runs out.</summary>
public sealed class PostgresWebhooks(NpgsqlDataSource dataSource)
{
    private const string ProgressColumns = "c.after_seq, c.failures, c.refusals, c.failing_since, c.next_at, c.error, c.delivered_at";

    // A webhook begins where it was made; whoever looks first writes that down.
    private const string ClaimSql =
        $"""
        WITH begun AS (
            INSERT INTO webhook_cursor (tenant, webhook, after_seq, next_at)
            SELECT control.tenant, control.id, (control.record ->> 'after')::bigint, $1 FROM tenant_control control
            WHERE control.kind = 'webhook' AND control.record ->> 'removed_at' IS NULL
                AND NOT EXISTS (SELECT FROM webhook_cursor known WHERE known.tenant = control.tenant AND known.webhook = control.id)
            ON CONFLICT DO NOTHING
        )
        UPDATE webhook_cursor c SET claim = $2, claimed_until = $3
        FROM (
            SELECT waiting.tenant, waiting.webhook, control.record FROM webhook_cursor waiting
            JOIN audit_head head ON head.tenant = waiting.tenant AND head.seq > waiting.after_seq
            JOIN tenant_control control ON control.tenant = waiting.tenant AND control.id = waiting.webhook AND control.kind = 'webhook'
                AND control.record ->> 'removed_at' IS NULL
            WHERE waiting.next_at <= $1 AND (waiting.claimed_until IS NULL OR waiting.claimed_until <= $1)
            ORDER BY waiting.next_at LIMIT $4
            FOR UPDATE OF waiting SKIP LOCKED
        ) due
        WHERE c.tenant = due.tenant AND c.webhook = due.webhook
        RETURNING c.tenant, due.record, {ProgressColumns}
        """;

    private const string MoveSql =
        """
        UPDATE webhook_cursor SET after_seq = $4, failures = $5, refusals = $6, failing_since = $7, next_at = $8, error = $9, delivered_at = $10, claimed_until = $11
        WHERE tenant = $1 AND webhook = $2 AND claim = $3
        """;

    private const string GiveUpSql =
        $"""
        WITH moved AS ({MoveSql} RETURNING tenant, webhook), given_up AS (
            INSERT INTO webhook_dead (tenant, webhook, seq, dead_at, error) SELECT tenant, webhook, $4, $12, coalesce($9, '') FROM moved
            ON CONFLICT ON CONSTRAINT webhook_dead_pkey DO UPDATE SET dead_at = excluded.dead_at, error = excluded.error
        )
        SELECT count(*)::int FROM moved
        """;

    // The time of the entry behind which a webhook is: in the draft's JSON, where times are written so that this is what they are.
    private const string StandSql =
        $"""
        SELECT c.tenant, c.webhook, {ProgressColumns},
            (SELECT (entry.draft ->> 'at')::timestamptz FROM policy_audit entry WHERE entry.tenant = c.tenant AND entry.seq > c.after_seq ORDER BY entry.seq LIMIT 1),
            (SELECT count(*) FROM webhook_dead dead WHERE dead.tenant = c.tenant AND dead.webhook = c.webhook)
        FROM webhook_cursor c
        JOIN tenant_control control ON control.tenant = c.tenant AND control.id = c.webhook AND control.kind = 'webhook' AND control.record ->> 'removed_at' IS NULL
        WHERE $1::text IS NULL OR c.tenant = $1
        """;

    private const string SweepSql =
        """
        WITH gone AS (
            DELETE FROM webhook_cursor c USING tenant_control control
            WHERE control.tenant = c.tenant AND control.id = c.webhook AND control.kind = 'webhook' AND control.record ->> 'removed_at' IS NOT NULL
        )
        DELETE FROM webhook_dead dead WHERE dead.dead_at <= $1 OR EXISTS (
            SELECT FROM tenant_control control WHERE control.tenant = dead.tenant AND control.id = dead.webhook AND control.kind = 'webhook'
                AND control.record ->> 'removed_at' IS NOT NULL)
        """;

    private readonly StoreCalls _calls = new(dataSource);

    /// <summary>Claims up to <paramref name="limit"/> webhooks that something waits for, of all tenants, the longest overdue first.</summary>
    public Task<ImmutableArray<ClaimedWebhook>> ClaimAsync(
        string claim, DateTimeOffset now, DateTimeOffset until, int limit, CancellationToken cancellationToken) => _calls.ReadAsync(
        ClaimSql,
        [SqlValue.Time(now), SqlValue.Text(claim), SqlValue.Time(until), SqlValue.Int(limit)],
        (reader, token) => reader.ToArrayAsync(
            row => new ClaimedWebhook(claim, row.GetString(0), row.Json<Webhook>(1), ReadProgress(row, 2)), token),
        cancellationToken);

    /// <summary>Writes down how far it is and renews the claim. False: another has it.</summary>
    public async Task<bool> MoveAsync(ClaimedWebhook webhook, WebhookProgress progress, DateTimeOffset? claimedUntil) =>
        await ChangeAsync(MoveSql, () => Parameters(webhook, progress, claimedUntil), isCounted: false, CancellationToken.None) > 0;

    /// <summary>The same, where the entry that it moves to was given up, for the reason that the progress has.</summary>
    public async Task<bool> GiveUpAsync(
        ClaimedWebhook webhook, WebhookProgress progress, DateTimeOffset now, DateTimeOffset claimedUntil) =>
        await ChangeAsync(GiveUpSql, () => [.. Parameters(webhook, progress, claimedUntil), SqlValue.Time(now)], isCounted: true, CancellationToken.None) > 0;

    /// <summary>How webhooks stand, of one tenant or all. One that nobody looked at yet is not among them.</summary>
    public Task<ImmutableArray<WebhookStand>> ReadStandsAsync(string? tenant, CancellationToken cancellationToken) => _calls.ReadAsync(
        StandSql,
        [SqlValue.Text(tenant)],
        static (reader, token) => reader.ToArrayAsync(
            static row => new WebhookStand(
                row.GetString(0), row.GetString(1), ReadProgress(row, 2), row.IsDBNull(9) ? null : row.Time(9), row.GetInt64(10)),
            token),
        cancellationToken);

    /// <summary>What was given up, in the order in which it happened.</summary>
    public Task<ImmutableArray<DeadLetter>> ListDeadAsync(string tenant, string webhook, long after, int limit, CancellationToken cancellationToken) => _calls.ReadAsync(
        "SELECT seq, dead_at, error FROM webhook_dead WHERE tenant = $1 AND webhook = $2 AND seq > $3 ORDER BY seq LIMIT $4",
        [SqlValue.Text(tenant), SqlValue.Text(webhook), SqlValue.Long(after), SqlValue.Int(limit)],
        static (reader, token) => reader.ToArrayAsync(static row => new DeadLetter(row.GetInt64(0), row.Time(1), row.GetString(2)), token),
        cancellationToken);

    /// <summary>Forgets one that was taken after all.</summary>
    public Task ForgetDeadAsync(string tenant, string webhook, long seq, CancellationToken cancellationToken) => ChangeAsync(
        "DELETE FROM webhook_dead WHERE tenant = $1 AND webhook = $2 AND seq = $3",
        () => [SqlValue.Text(tenant), SqlValue.Text(webhook), SqlValue.Long(seq)],
        isCounted: false,
        cancellationToken);

    /// <summary>Forgets what was given up before a moment, and everything of webhooks that were removed.</summary>
    public Task SweepAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        ChangeAsync(SweepSql, () => [SqlValue.Time(before)], isCounted: false, cancellationToken);

    private static WebhookProgress ReadProgress(NpgsqlDataReader row, int first) => new(row.GetInt64(first))
    {
        Failures = row.GetInt32(first + 1),
        Refusals = row.GetInt32(first + 2),
        FailingSince = row.IsDBNull(first + 3) ? null : row.Time(first + 3),
        NextAt = row.Time(first + 4),
        Error = row.Text(first + 5),
        DeliveredAt = row.IsDBNull(first + 6) ? null : row.Time(first + 6),
    };

    private static NpgsqlParameter[] Parameters(ClaimedWebhook webhook, WebhookProgress progress, DateTimeOffset? claimedUntil) =>
    [
        SqlValue.Text(webhook.Tenant), SqlValue.Text(webhook.Webhook.WebhookId), SqlValue.Text(webhook.Claim), SqlValue.Long(progress.After),
        SqlValue.Int(progress.Failures), SqlValue.Int(progress.Refusals), SqlValue.Time(progress.FailingSince), SqlValue.Time(progress.NextAt),
        SqlValue.Text(progress.Error), SqlValue.Time(progress.DeliveredAt), SqlValue.Time(claimedUntil),
    ];

    // Each of these says what is to be, so that doing it again after a lost connection changes nothing.
    private Task<int> ChangeAsync(string sql, Func<NpgsqlParameter[]> parameters, bool isCounted, CancellationToken cancellationToken) => _calls.RunAsync(
        async (_, token) =>
        {
            await using var command = dataSource.CreateCommand(sql);
            command.Parameters.AddRange(parameters());
            return isCounted ? (int)(await command.ExecuteScalarAsync(token))! : await command.ExecuteNonQueryAsync(token);
        },
        cancellationToken);
}
