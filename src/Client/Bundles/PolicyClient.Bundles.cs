using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>No bundle is larger; an answer that is, is refused while it is read.</summary>
    internal const int ContentBytesMax = 16 * 1024 * 1024;

    /// <summary>
    /// Sets the first trust root or, signed by old and new, the next. Refused with <c>trust.affects_fleets</c> where fleets are assigned
    /// bundles that it verifies no longer, unless <paramref name="acceptAffected"/>.
    /// </summary>
    public Task<TrustRoot> SetTrustAsync(
        TrustRoot root, string? idempotencyKey = null, bool acceptAffected = false, CancellationToken cancellationToken = default) =>
        SendJsonAsync<TrustRoot, TrustRoot>(HttpMethod.Put, acceptAffected ? "/trust?accept_affected=true" : "/trust", root, idempotencyKey, cancellationToken);

    /// <summary>A trust root; the newest where <paramref name="version"/> is null. Null: there is none.</summary>
    public async Task<TrustRoot?> FindTrustAsync(int? version = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return await GetAsync<TrustRoot>(version is { } number ? $"/trust/{number}" : "/trust", cancellationToken);
        }
        catch (PolicyApiException e) when (e.Status == 404)
        {
            return null;
        }
    }

    /// <summary>Publishes a bundle, byte for byte. The same content again is the same answer and takes no admission.</summary>
    public async Task<PublishedBundle> PublishAsync(
        ReadOnlyMemory<byte> bundle, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        Read<PublishedBundle>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, _tenantPath + "/bundles") { Body = bundle, IdempotencyKey = idempotencyKey ?? NewIdempotencyKey() },
            cancellationToken));

    /// <summary>Asks whether a bundle would be accepted; stores nothing.</summary>
    public async Task<BundleVerdict> VerifyAsync(ReadOnlyMemory<byte> bundle, CancellationToken cancellationToken = default) =>
        Read<BundleVerdict>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, _tenantPath + "/bundles/verify") { Body = bundle, IdempotencyKey = NewIdempotencyKey() },
            cancellationToken));

    /// <summary>The bundles, newest first.</summary>
    public Task<ImmutableArray<BundleRecord>> ListBundlesAsync(CancellationToken cancellationToken = default) =>
        ListAsync<BundleRecord>("/bundles", "bundles", cancellationToken);

    /// <summary>One bundle, by a hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</summary>
    public Task<BundleRecord> GetBundleAsync(string reference, CancellationToken cancellationToken = default) =>
        GetAsync<BundleRecord>("/bundles/" + Segment(reference), cancellationToken);

    /// <summary>Its bytes as published.</summary>
    public Task<byte[]> GetContentAsync(string reference, CancellationToken cancellationToken = default) =>
        GetContentAtAsync(ContentPath(reference), cancellationToken);

    /// <summary>Moves a tag; takes one admission.</summary>
    public Task<TagRecord> MoveTagAsync(
        string tag, string reference, string reason, string? fleet = null, string? idempotencyKey = null,
        CancellationToken cancellationToken = default) =>
        SendJsonAsync<TagBody, TagRecord>(
            HttpMethod.Put, "/tags/" + Segment(tag), new TagBody(reference, fleet, reason), idempotencyKey, cancellationToken);

    /// <summary>Every move of every tag, newest first.</summary>
    public Task<ImmutableArray<TagRecord>> ListTagsAsync(CancellationToken cancellationToken = default) =>
        ListAsync<TagRecord>("/tags", "tags", cancellationToken);

    /// <summary>The canonical form of any JSON and its hash, for checking another implementation.</summary>
    public async Task<CanonicalAnswer> CanonicalizeAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default) =>
        Read<CanonicalAnswer>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, _tenantPath + "/canonical") { Body = json, IdempotencyKey = NewIdempotencyKey() },
            cancellationToken));

    /// <summary>What a bundle decides that is sent along, signed or not, and never stored.</summary>
    /// <param name="bundle">A bundle, ours or unison's, or a bare list of rules.</param>
    /// <param name="inputs">What is asked; at most 10,000.</param>
    /// <param name="now">The moment that time windows are held against; default the control plane's clock.</param>
    /// <param name="defaultEffect">What happens to a request that no rule matches; default what the bundle says.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="PolicyApiException">The bundle or an input is not valid: <c>bundle.*</c>, <c>request.*</c>.</exception>
    public Task<TriedDecisions> TryAsync(
        JsonElement bundle, IReadOnlyList<DecideInput> inputs, DateTimeOffset? now = null, DefaultEffect? defaultEffect = null,
        CancellationToken cancellationToken = default) =>
        SendJsonAsync<TryBundleBody, TriedDecisions>(
            HttpMethod.Post, "/bundles/try", new TryBundleBody(bundle, inputs, now, defaultEffect), null, cancellationToken);

    /// <summary>What a stored bundle, active or not, decides.</summary>
    public Task<TriedDecisions> DecideUnderAsync(
        string reference, IReadOnlyList<DecideInput> inputs, DateTimeOffset? now = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<TryBody, TriedDecisions>(
            HttpMethod.Post, $"/bundles/{Segment(reference)}/decide", new TryBody(inputs, now), null, cancellationToken);

    internal string ContentPath(string reference) => $"{_tenantPath}/bundles/{Segment(reference)}/content";

    internal async Task<byte[]> GetContentAtAsync(string path, CancellationToken cancellationToken) =>
        (await SendAsync(new PolicyRequest(HttpMethod.Get, path) { MaxAnswerBytes = ContentBytesMax }, cancellationToken)).Body;

    private sealed record TagBody(string Ref, string? Fleet, string Reason);

    private sealed record TryBundleBody(JsonElement Bundle, IReadOnlyList<DecideInput> Inputs, DateTimeOffset? Now, DefaultEffect? DefaultEffect);

    private sealed record TryBody(IReadOnlyList<DecideInput> Inputs, DateTimeOffset? Now);
}
