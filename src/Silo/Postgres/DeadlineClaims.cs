using System.Collections.Immutable;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Overdue deadlines, shared out over the silos that ask.</summary>
internal sealed class DeadlineClaims(StoreCalls calls)
{
    // Long enough to decide and commit; if the claimer dies meanwhile, the next one comes this much later, well within the bound.
    private static readonly TimeSpan ClaimLasts = TimeSpan.FromSeconds(2);

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

    public Task<ImmutableArray<OverdueRollout>> ClaimAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        calls.ReadAsync(
            ClaimSql,
            [SqlValue.Time(now), SqlValue.Time(now + ClaimLasts), SqlValue.Int(limit)],
            static (reader, token) => reader.ToArrayAsync(
                static row => new OverdueRollout(row.GetString(0), row.GetString(1), new RolloutDeadline(row.GetString(2), row.Time(3))), token),
            cancellationToken);
}
