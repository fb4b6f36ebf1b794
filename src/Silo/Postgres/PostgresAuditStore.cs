using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
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
    public Task<ImmutableArray<AuditEntry>> FindAsync(string tenant, AuditFilter filter, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        List<NpgsqlParameter> parameters = [SqlValue.Text(tenant), SqlValue.Int(limit)];
        var sql = new StringBuilder("SELECT seq, draft, prev_hash, hash FROM policy_audit WHERE tenant = $1");
        if (filter.Before is { } before)
        {
            sql.Append(" AND seq < $").Append(Add(parameters, SqlValue.Long(before)));
        }

        if (filter.Subject is { } subject)
        {
            // The subject itself, and what is below it: '0' is the character after '/'.
            var at = Add(parameters, SqlValue.Text(subject));
            sql.Append(CultureInfo.InvariantCulture, $" AND (subject = ${at} OR subject >= ${at} || '/' AND subject < ${at} || '0')");
        }

        if (filter.Actor is { } actor)
        {
            sql.Append(" AND (draft ->> 'actor') COLLATE \"C\" = $").Append(Add(parameters, SqlValue.Text(actor)));
        }

        if (filter.Since is { } since)
        {
            sql.Append(" AND (draft ->> 'at') COLLATE \"C\" >= $").Append(Add(parameters, SqlValue.Text(AsWritten(since))));
        }

        if (filter.Until is { } until)
        {
            sql.Append(" AND (draft ->> 'at') COLLATE \"C\" < $").Append(Add(parameters, SqlValue.Text(AsWritten(until))));
        }

        return _calls.ReadAsync(
            sql.Append(" ORDER BY seq DESC LIMIT $2").ToString(),
            [.. parameters],
            static (reader, token) => reader.ToArrayAsync(
                static row => new AuditEntry(row.GetInt64(0), row.Json<AuditDraft>(1), row.GetString(2), row.GetString(3)), token),
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<AuditHead> ReadHeadAsync(string tenant, CancellationToken cancellationToken = default) =>
        await _calls.ReadAsync(
            "SELECT seq, hash FROM audit_head WHERE tenant = $1",
            [SqlValue.Text(tenant)],
            static (reader, token) => reader.ToSingleAsync(AuditAppend.ReadHead, token),
            cancellationToken) ?? AuditHead.Empty;

    private static int Add(List<NpgsqlParameter> parameters, NpgsqlParameter parameter)
    {
        parameters.Add(parameter);
        return parameters.Count;
    }

    // As the draft's JSON has it, in UTC: so written, times sort as text.
    private static string AsWritten(DateTimeOffset time) => JsonSerializer.SerializeToElement(time.ToUniversalTime(), PolicyJson.Options).GetString()!;
}
