using Npgsql;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Rows that nobody reads any more: answers that are not repeated any longer, and nodes that left long ago, with their reload histories. They
/// are deleted a few thousand at a time, so that nobody waits for it, and until there are none.
/// </summary>
public sealed class PastRows(NpgsqlDataSource dataSource, TimeProvider time)
{
    /// <summary>How long a node that left is remembered.</summary>
    public static readonly TimeSpan LeftNodeKept = TimeSpan.FromDays(30);

    /// <summary>The most rows of one step.</summary>
    public const int StepRowsMax = 5_000;

    private const string OperationsSql =
        """
        WITH past AS (
            DELETE FROM operation WHERE (key_id, operation_id) IN (
                SELECT key_id, operation_id FROM operation WHERE created_at <= $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            RETURNING 1)
        SELECT count(*) FROM past
        """;

    // A history's key is GrainKeys.Node. Names here compare by bytes, and that table's as the database does.
    private const string NodesSql =
        $"""
        WITH past AS (
            DELETE FROM node WHERE (tenant, fleet, node) IN (
                SELECT tenant, fleet, node FROM node WHERE left_at <= $1 ORDER BY left_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            RETURNING tenant, fleet, node),
        histories AS (
            DELETE FROM OrleansStorage kept USING past
            WHERE kept.GrainTypeString = '{StateNames.NodeHistory}'
              AND kept.GrainIdExtensionString = (past.tenant || '/' || past.fleet || '/' || past.node) COLLATE "default")
        SELECT count(*) FROM past
        """;

    private static readonly TimeSpan BetweenSteps = TimeSpan.FromMilliseconds(50);
    private readonly StoreCalls _calls = new(dataSource);

    /// <summary>Deletes everything that is past its time now. How many answers and nodes that were.</summary>
    public async Task<long> SweepAsync(CancellationToken cancellationToken) =>
        await SweepAsync(OperationsSql, CommitBatch.OperationKept, cancellationToken) + await SweepAsync(NodesSql, LeftNodeKept, cancellationToken);

    private async Task<long> SweepAsync(string sql, TimeSpan kept, CancellationToken cancellationToken)
    {
        var deleted = 0L;
        while (true)
        {
            var step = await _calls.RunAsync(
                async (_, token) =>
                {
                    await using var command = dataSource.CreateCommand(sql);
                    command.Parameters.Add(SqlValue.Time(time.GetUtcNow() - kept));
                    command.Parameters.Add(SqlValue.Int(StepRowsMax));
                    return (long)(await command.ExecuteScalarAsync(token))!;
                },
                cancellationToken);
            deleted += step;
            if (step < StepRowsMax)
            {
                return deleted;
            }

            await Task.Delay(BetweenSteps, time, cancellationToken);
        }
    }
}
