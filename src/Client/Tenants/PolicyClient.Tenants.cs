using System.Collections.Immutable;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>
    /// Creates a tenant; once it is there, asking again changes nothing but what is named: whether it refuses bundles with fields that
    /// nothing reads. Installation admins only.
    /// </summary>
    public async Task CreateTenantAsync(string tenant, bool? strictBundles = null, CancellationToken cancellationToken = default) =>
        await SendAsync(
            new PolicyRequest(HttpMethod.Put, "/v1/" + Segment(tenant)) { Body = Json(new { StrictBundles = strictBundles }), IdempotencyKey = NewIdempotencyKey() },
            cancellationToken);

    /// <summary>All tenants. Installation admins only.</summary>
    public async Task<ImmutableArray<string>> ListTenantsAsync(CancellationToken cancellationToken = default) =>
        ReadList<string>(await SendAsync(new PolicyRequest(HttpMethod.Get, "/v1/tenants"), cancellationToken), "tenants");

    /// <summary>Makes a key. Its secret is in this answer only.</summary>
    public async Task<MadeKey> CreateKeyAsync(NewKey key, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        (await SendJsonAsync<NewKey, MadeKey>(HttpMethod.Post, "/keys", key, idempotencyKey, cancellationToken)).WithSecret();

    /// <summary>Makes many keys at once, answered in order.</summary>
    public async Task<ImmutableArray<MadeKey>> CreateKeysAsync(
        IReadOnlyList<NewKey> keys, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        [.. ReadList<MadeKey>(await SendJsonAsync(HttpMethod.Post, "/keys:batch", keys, idempotencyKey, cancellationToken), "keys")
            .Select(key => key.WithSecret())];

    /// <summary>The tenant's keys that are not revoked.</summary>
    public async Task<ImmutableArray<KeyInfo>> ListKeysAsync(CancellationToken cancellationToken = default) =>
        await ListAsync<KeyInfo>("/keys", "keys", cancellationToken);

    /// <summary>Takes a key back; it stops working within 2 s.</summary>
    public async Task RevokeKeyAsync(string keyId, CancellationToken cancellationToken = default) =>
        await SendAsync(new PolicyRequest(HttpMethod.Delete, $"{_tenantPath}/keys/{Segment(keyId)}"), cancellationToken);
}
