using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Npgsql;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Bundles, tags and trust roots, in PostgreSQL.</summary>
public sealed class PostgresCatalogStore(NpgsqlDataSource dataSource) : ICatalogStore
{
    /// <summary>Tag moves that are listed at most.</summary>
    public const int TagMovesMax = 10_000;

    private const string TagPrefix = "tag:";
    private const string RunPrefix = "run:";

    private readonly StoreCalls _calls = new(dataSource);

    /// <inheritdoc/>
    public Task<BundleRecord?> FindBundleAsync(string tenant, string reference, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        var (where, parameters) = reference switch
        {
            _ when reference.StartsWith(TagPrefix, StringComparison.Ordinal) => ByTag(tenant, reference[TagPrefix.Length..]),
            _ when reference.StartsWith(RunPrefix, StringComparison.Ordinal) => (
                "WHERE tenant = $1 AND policy_hash = (SELECT policy_hash FROM run WHERE tenant = $1 AND run_id = $2)",
                [SqlValue.Text(tenant), SqlValue.Text(reference[RunPrefix.Length..])]),
            { Length: 64 } when reference.All(char.IsAsciiHexDigitLower) => (
                """
                WHERE tenant = $1 AND (policy_hash = $2 OR record ? 'document_hash' AND record ->> 'document_hash' = $2)
                ORDER BY policy_hash <> $2, ordinal DESC LIMIT 1
                """,
                [SqlValue.Text(tenant), SqlValue.Text(reference)]),
            _ => ("WHERE tenant = $1 AND version = $2", new[] { SqlValue.Text(tenant), SqlValue.Text(reference) }),
        };
        return _calls.ReadAsync(
            "SELECT record FROM policy_bundle " + where,
            parameters,
            static (reader, token) => reader.ToSingleAsync(static row => row.Json<BundleRecord>(0), token),
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<BundleRecord>> ListBundlesAsync(string tenant, int limit, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT record FROM policy_bundle WHERE tenant = $1 ORDER BY ordinal DESC LIMIT $2",
            [SqlValue.Text(tenant), SqlValue.Int(limit)],
            static (reader, token) => reader.ToArrayAsync(static row => row.Json<BundleRecord>(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<byte>?> ReadContentAsync(string tenant, string policyHash, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT content FROM policy_bundle WHERE tenant = $1 AND policy_hash = $2",
            [SqlValue.Text(tenant), SqlValue.Text(policyHash)],
            static async (reader, token) => await reader.ReadAsync(token)
                ? ImmutableCollectionsMarshal.AsImmutableArray(reader.GetFieldValue<byte[]>(0))
                : default(ImmutableArray<byte>?),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<TagRecord>> ListTagsAsync(string tenant, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT tag, nullif(fleet, ''), policy_hash, reason, moved_by, moved_at FROM tag WHERE tenant = $1 ORDER BY ordinal DESC LIMIT $2",
            [SqlValue.Text(tenant), SqlValue.Int(TagMovesMax)],
            static (reader, token) => reader.ToArrayAsync(
                static row => new TagRecord(row.GetString(0), row.Text(1), row.GetString(2), row.GetString(3), row.GetString(4), row.Time(5)), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<TagInForce>> ListTagsInForceAsync(string tenant, string? fleet, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            """
            SELECT DISTINCT ON (tag, fleet) tag, nullif(fleet, ''), policy_hash FROM tag
            WHERE tenant = $1 AND (fleet = '' OR fleet = $2) ORDER BY tag, fleet, ordinal DESC
            """,
            [SqlValue.Text(tenant), SqlValue.Text(fleet ?? "")],
            static (reader, token) => reader.ToArrayAsync(static row => new TagInForce(row.GetString(0), row.Text(1), row.GetString(2)), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<RunWrite?> FindRunAsync(string tenant, string runId, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT record, request_hash FROM run WHERE tenant = $1 AND run_id = $2",
            [SqlValue.Text(tenant), SqlValue.Text(runId)],
            static (reader, token) => reader.ToSingleAsync(static row => new RunWrite(row.Json<RunRecord>(0), row.GetString(1)), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<RunRecord>> ListRunsAsync(string tenant, string? policyHash, int limit, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            policyHash is null
                ? "SELECT record FROM run WHERE tenant = $1 ORDER BY ordinal DESC LIMIT $2"
                : "SELECT record FROM run WHERE tenant = $1 AND policy_hash = $3 ORDER BY ordinal DESC LIMIT $2",
            policyHash is null
                ? [SqlValue.Text(tenant), SqlValue.Int(limit)]
                : [SqlValue.Text(tenant), SqlValue.Int(limit), SqlValue.Text(policyHash)],
            static (reader, token) => reader.ToArrayAsync(static row => row.Json<RunRecord>(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<TrustRootWrite?> ReadTrustRootAsync(string tenant, int? version = null, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            version is null
                ? "SELECT version, document FROM trust_root WHERE tenant = $1 ORDER BY version DESC LIMIT 1"
                : "SELECT version, document FROM trust_root WHERE tenant = $1 AND version = $2",
            version is { } one ? [SqlValue.Text(tenant), SqlValue.Int(one)] : [SqlValue.Text(tenant)],
            static (reader, token) => reader.ToSingleAsync(static row => new TrustRootWrite(row.GetInt32(0), row.GetString(1)), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<bool> ReadStrictAsync(string tenant, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT strict_bundles FROM tenant WHERE tenant = $1",
            [SqlValue.Text(tenant)],
            static async (reader, token) => await reader.ReadAsync(token) && reader.GetBoolean(0),
            cancellationToken);

    /// <inheritdoc/>
    public Task<long?> ReadHighestSequenceAsync(string tenant, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT sequence FROM policy_bundle WHERE tenant = $1 AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1",
            [SqlValue.Text(tenant)],
            static async (reader, token) => await reader.ReadAsync(token) ? reader.GetInt64(0) : default(long?),
            cancellationToken);

    private static (string Where, NpgsqlParameter[] Parameters) ByTag(string tenant, string name)
    {
        var at = name.IndexOf('@', StringComparison.Ordinal);
        return (
            """
            WHERE tenant = $1 AND policy_hash = (
                SELECT policy_hash FROM tag WHERE tenant = $1 AND tag = $2 AND fleet = $3 ORDER BY ordinal DESC LIMIT 1)
            """,
            [SqlValue.Text(tenant), SqlValue.Text(at < 0 ? name : name[..at]), SqlValue.Text(at < 0 ? "" : name[(at + 1)..])]);
    }
}
