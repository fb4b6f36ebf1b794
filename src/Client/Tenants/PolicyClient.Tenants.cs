using System.Collections.Immutable;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    private const string InstallationKeys = "/v1/keys";

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

    /// <summary>
    /// Makes a key of the installation, for one more admin of it (<see cref="NewKey.Role"/> is admin). Its secret is in this answer only.
    /// Installation admins only.
    /// </summary>
    public async Task<MadeKey> CreateInstallationKeyAsync(NewKey key, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        Read<MadeKey>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, InstallationKeys) { Body = Json(key), IdempotencyKey = idempotencyKey ?? NewIdempotencyKey() },
            cancellationToken)).WithSecret();

    /// <summary>The keys of the installation that are not revoked. Installation admins only.</summary>
    public async Task<ImmutableArray<KeyInfo>> ListInstallationKeysAsync(CancellationToken cancellationToken = default) =>
        ReadList<KeyInfo>(await SendAsync(new PolicyRequest(HttpMethod.Get, InstallationKeys), cancellationToken), "keys");

    /// <summary>Takes a key of the installation back; it stops working within 2 s. <c>key.last</c> where no other one works. Installation admins only.</summary>
    public async Task RevokeInstallationKeyAsync(string keyId, CancellationToken cancellationToken = default) =>
        await SendAsync(new PolicyRequest(HttpMethod.Delete, $"{InstallationKeys}/{Segment(keyId)}"), cancellationToken);
}
