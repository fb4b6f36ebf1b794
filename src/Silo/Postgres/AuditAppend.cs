using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// The end of every transaction that acts: its entries join the tenant's chain, and it commits. The head stays locked from its
/// reading to the commit, one round trip, so that entries follow each other in commit order without a gap.
/// </summary>
internal static class AuditAppend
{
    public const string LockHeadSql = "SELECT seq, hash FROM audit_head WHERE tenant = $1 FOR NO KEY UPDATE";

    private const string LockOthersSql = "SELECT tenant, seq, hash FROM audit_head WHERE tenant <> $1 ORDER BY tenant FOR NO KEY UPDATE";

    private const string AppendSql =
        """
        WITH appended AS (
            INSERT INTO policy_audit (tenant, seq, subject, draft, prev_hash, hash)
            SELECT $1, e.seq, e.subject, e.draft, e.prev_hash, e.hash
            FROM unnest($2, $3, $4, $5, $6) AS e (seq, subject, draft, prev_hash, hash)
        )
        UPDATE audit_head SET seq = $7, hash = $8 WHERE tenant = $1
        """;

    public static AuditHead ReadHead(NpgsqlDataReader reader) => new(reader.GetInt64(0), reader.GetString(1));

    /// <summary>
    /// The heads of all other chains, locked. Only what concerns every tenant asks for them, and such changes follow each other (their
    /// number's row is locked before): everybody else holds one head at most, so nobody waits in a circle.
    /// </summary>
    public static async Task<ImmutableArray<(string Tenant, AuditHead Head)>> LockOthersAsync(
        NpgsqlConnection connection, string tenant, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(LockOthersSql, connection) { Parameters = { SqlValue.Text(tenant) } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ToArrayAsync(static row => (row.GetString(0), new AuditHead(row.GetInt64(1), row.GetString(2))), cancellationToken);
    }

    /// <summary>Appends to the tenant's chain, and to others where the entries concern them, and commits; the tenant's new head.</summary>
    public static async Task<AuditHead> CommitAsync(
        NpgsqlConnection connection, string tenant, AuditHead head, ImmutableArray<AuditDraft> drafts, StoreAttempt attempt,
        CancellationToken cancellationToken, ImmutableArray<(string Tenant, AuditHead Head)> others = default)
    {
        await using var batch = new NpgsqlBatch(connection);
        var end = Append(batch, tenant, head, drafts);
        foreach (var (other, otherHead) in others.IsDefault ? [] : others)
        {
            Append(batch, other, otherHead, drafts);
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        attempt.MayHaveTakenEffect = true;
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return end;
    }

    /// <summary>The entries that follow the head, each with what it is hashed from.</summary>
    public static ImmutableArray<AuditEntry> Chain(AuditHead head, ImmutableArray<AuditDraft> drafts)
    {
        var entries = ImmutableArray.CreateBuilder<AuditEntry>(drafts.Length);
        foreach (var draft in drafts)
        {
            var entry = AuditChain.Append(head, StoredText.Clean(draft));
            entries.Add(entry);
            head = new AuditHead(entry.Seq, entry.Hash);
        }

        return entries.MoveToImmutable();
    }

    private static AuditHead Append(NpgsqlBatch batch, string tenant, AuditHead head, ImmutableArray<AuditDraft> drafts)
    {
        var entries = Chain(head, drafts);
        head = new AuditHead(head.Seq + entries.Length, entries is [.., var last] ? last.Hash : head.Hash);
        var append = new NpgsqlBatchCommand(AppendSql);
        append.Parameters.Add(SqlValue.Text(tenant));
        append.Parameters.Add(SqlValue.Longs(entries.Select(entry => entry.Seq)));
        append.Parameters.Add(SqlValue.Texts(entries.Select(entry => entry.Draft.Subject)));
        append.Parameters.Add(SqlValue.Jsons(entries.Select(entry => entry.Draft)));
        append.Parameters.Add(SqlValue.Texts(entries.Select(entry => entry.PrevHash)));
        append.Parameters.Add(SqlValue.Texts(entries.Select(entry => entry.Hash)));
        append.Parameters.Add(SqlValue.Long(head.Seq));
        append.Parameters.Add(SqlValue.Text(head.Hash));
        batch.BatchCommands.Add(append);
        return head;
    }

    /// <summary>Takes a transaction back now, so that its locks do not outlast it.</summary>
    public static async Task RollBackAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("ROLLBACK", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
