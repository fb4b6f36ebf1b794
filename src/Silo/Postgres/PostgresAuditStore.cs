using System.Collections.Immutable;
using Npgsql;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>The audit chains, in PostgreSQL. They are written by <see cref="PostgresRolloutStore"/>, as part of what they tell of.</summary>
public sealed class PostgresAuditStore(NpgsqlDataSource dataSource) : IAuditStore
{
    // The range lets the index be used under a plan made for any value. U+10FFFF is the last of all characters.
    private const string SubjectSql = "AND subject ^@ $4 AND subject >= $4 AND subject <= $4 || chr(1114111) ";

    private readonly StoreCalls _calls = new(dataSource);

    /// <inheritdoc/>
    public Task<ImmutableArray<AuditEntry>> ReadAsync(
        string tenant, long after, int limit, string? subject = null, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT seq, draft, prev_hash, hash FROM policy_audit WHERE tenant = $1 AND seq > $2 "
                + (subject is null ? "" : SubjectSql) + "ORDER BY seq LIMIT $3",
            subject is null
                ? [SqlValue.Text(tenant), SqlValue.Long(after), SqlValue.Int(limit)]
                : [SqlValue.Text(tenant), SqlValue.Long(after), SqlValue.Int(limit), SqlValue.Text(subject)],
            static (reader, token) => reader.ToArrayAsync(
                static row => new AuditEntry(row.GetInt64(0), row.Json<AuditDraft>(1), row.GetString(2), row.GetString(3)), token),
            cancellationToken);

    /// <inheritdoc/>
    public async Task<AuditHead> ReadHeadAsync(string tenant, CancellationToken cancellationToken = default) =>
        await _calls.ReadAsync(
            "SELECT seq, hash FROM audit_head WHERE tenant = $1",
            [SqlValue.Text(tenant)],
            static (reader, token) => reader.ToSingleAsync(AuditAppend.ReadHead, token),
            cancellationToken) ?? AuditHead.Empty;
}
