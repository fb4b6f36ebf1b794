using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Npgsql;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Tenants and keys, in PostgreSQL.</summary>
public sealed class PostgresKeyStore(NpgsqlDataSource dataSource) : IKeyStore
{
    private const string KeyColumns =
        "SELECT key_id, tenant, name, subject, role, fleet, node, key_sha256, creators, created_at, expires_at FROM api_key ";

    private readonly StoreCalls _calls = new(dataSource);

    /// <inheritdoc/>
    public Task<ImmutableArray<KeyWrite>> FindKeysAsync(
        ImmutableArray<ImmutableArray<byte>> keySha256, DateTimeOffset now, CancellationToken cancellationToken = default) =>
        // The index compares the hash of the secret, from which a time tells nothing; the caller's last word is in constant time.
        _calls.ReadAsync(
            KeyColumns + "WHERE key_sha256 = ANY($1) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
            [SqlValue.ManyBytes(keySha256), SqlValue.Time(now)],
            static (reader, token) => reader.ToArrayAsync(ReadKey, token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> ReadRevokedKeysAsync(DateTimeOffset since, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT key_id FROM api_key WHERE revoked_at >= $1",
            [SqlValue.Time(since)],
            static (reader, token) => reader.ToArrayAsync(static row => row.GetString(0), token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<KeyWrite>> ListKeysAsync(string? tenant, CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            KeyColumns + (tenant is null ? "WHERE tenant IS NULL " : "WHERE tenant = $1 ") + "AND revoked_at IS NULL ORDER BY created_at, key_id",
            tenant is null ? [] : [SqlValue.Text(tenant)],
            static (reader, token) => reader.ToArrayAsync(ReadKey, token),
            cancellationToken);

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> ListTenantsAsync(CancellationToken cancellationToken = default) =>
        _calls.ReadAsync(
            "SELECT tenant FROM tenant ORDER BY tenant",
            [],
            static (reader, token) => reader.ToArrayAsync(static row => row.GetString(0), token),
            cancellationToken);

    private static KeyWrite ReadKey(NpgsqlDataReader row) => new()
    {
        KeyId = row.GetString(0),
        Tenant = row.Text(1),
        Name = row.GetString(2),
        Subject = row.GetString(3),
        Role = row.GetString(4),
        Fleet = row.Text(5),
        Node = row.Text(6),
        KeySha256 = ImmutableCollectionsMarshal.AsImmutableArray(row.GetFieldValue<byte[]>(7)),
        Creators = ImmutableCollectionsMarshal.AsImmutableArray(row.GetFieldValue<string[]>(8)),
        CreatedAt = row.Time(9),
        ExpiresAt = row.IsDBNull(10) ? null : row.Time(10),
    };
}
