using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Overdue deadlines, shared out over the silos that ask. Being asked every second by each of them, it also sweeps out, now and
/// then, rows that nobody reads any more.
/// </summary>
internal sealed class DeadlineClaims(NpgsqlDataSource dataSource, StoreCalls calls, TimeProvider time)
{
    // Long enough to decide and commit; if the claimer dies meanwhile, the next one comes this much later, well within the bound.
    private static readonly TimeSpan ClaimLasts = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LeftNodeKept = TimeSpan.FromDays(30);
    private const int SweepRowsMax = 5_000;

    // Who was not claimed yet comes first, then who was so longest ago: a rollout that holds is overdue most of the time, and hundreds of them
    // must not keep a round from one that was just decided. Sorted without an index, because what is in flight is hundreds of rows, not more.
    private const string ClaimSql =
        """
        UPDATE rollout_deadline d SET claimed_until = $2
        FROM (
            SELECT tenant, rollout_id, kind FROM rollout_deadline
            WHERE due_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)
            ORDER BY claimed_until NULLS FIRST, due_at LIMIT $3
            FOR UPDATE SKIP LOCKED
        ) overdue
        WHERE d.tenant = overdue.tenant AND d.rollout_id = overdue.rollout_id AND d.kind = overdue.kind
        RETURNING d.tenant, d.rollout_id, d.kind, d.due_at
        """;

    private const string SweepOperationsSql =
        """
        DELETE FROM operation WHERE (key_id, operation_id) IN (
            SELECT key_id, operation_id FROM operation WHERE created_at <= $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        """;

    private const string SweepNodesSql =
        """
        DELETE FROM node WHERE (tenant, fleet, node) IN (
            SELECT tenant, fleet, node FROM node WHERE left_at <= $1 ORDER BY left_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        """;

    private long _sweptAt = time.GetTimestamp();

    public async Task<ImmutableArray<OverdueRollout>> ClaimAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        var overdue = await calls.ReadAsync(
            ClaimSql,
            [SqlValue.Time(now), SqlValue.Time(now + ClaimLasts), SqlValue.Int(limit)],
            static (reader, token) => reader.ToArrayAsync(
                static row => new OverdueRollout(row.GetString(0), row.GetString(1), new RolloutDeadline(row.GetString(2), row.Time(3))), token),
            cancellationToken);

        // Never before or beside work that is due.
        if (overdue.IsEmpty && IsTimeToSweep())
        {
            await SweepAsync(cancellationToken);
        }

        return overdue;
    }

    /// <summary>Deletes operations and left nodes that are past their time, at most some thousand at once.</summary>
    internal Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return calls.RunAsync(
            async (_, token) =>
            {
                await using var batch = dataSource.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(SweepOperationsSql)
                {
                    Parameters = { SqlValue.Time(now - CommitBatch.OperationKept), SqlValue.Int(SweepRowsMax) },
                });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(SweepNodesSql)
                {
                    Parameters = { SqlValue.Time(now - LeftNodeKept), SqlValue.Int(SweepRowsMax) },
                });
                return await batch.ExecuteNonQueryAsync(token);
            },
            cancellationToken);
    }

    private bool IsTimeToSweep()
    {
        var last = Volatile.Read(ref _sweptAt);
        return time.GetElapsedTime(last) >= SweepInterval
            && Interlocked.CompareExchange(ref _sweptAt, time.GetTimestamp(), last) == last;
    }
}
