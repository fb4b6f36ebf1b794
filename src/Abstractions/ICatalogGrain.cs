using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Abstractions;

/// <summary>Versions, tags and the trust root of one tenant (key: the tenant).</summary>
[Alias("policy.catalog")]
public interface ICatalogGrain : IGrainWithStringKey
{
    /// <summary>
    /// Verifies and publishes a bundle; takes one admission. Content that is there already is answered with
    /// <see cref="Published.Existed"/> and takes none. Fails with <c>bundle.*</c>, <c>bundle.version_taken</c>, <see cref="CommonCodes"/>.
    /// </summary>
    [Alias("publish")]
    Task<Outcome<Published>> PublishAsync([Immutable] ImmutableArray<byte> content, bool strict, [Immutable] Caller caller);

    /// <summary>
    /// Sets the first trust root or, signed by old and new, the next. Fails with <c>trust.*</c>; with <c>trust.affects_fleets</c>, one
    /// problem for each, where fleets are assigned bundles that the root verifies no longer and that is not accepted.
    /// </summary>
    [Alias("set-trust")]
    Task<Outcome<TrustRoot>> SetTrustAsync([Immutable] TrustRoot root, bool acceptAffected, [Immutable] Caller caller);

    /// <summary>
    /// Records a run as evidence, once: the same again is answered with <see cref="RecordedRun.Existed"/>. Takes no admission. Fails with
    /// <c>run.*</c>, <c>bundle.unknown</c>, <c>fleet.unknown</c>.
    /// </summary>
    [Alias("record-run")]
    Task<Outcome<RecordedRun>> RecordRunAsync([Immutable] RunRequest request, [Immutable] Caller caller);

    /// <summary>Moves a tag; takes one admission. Fails with <c>bundle.unknown</c>, <c>tag.*</c>.</summary>
    [Alias("move-tag")]
    Task<Outcome<TagRecord>> MoveTagAsync(string tag, string? fleet, string reference, string reason, [Immutable] Caller caller);
}

/// <summary>A published bundle.</summary>
/// <param name="Bundle">What was published.</param>
/// <param name="Existed">Whether it was there before.</param>
public sealed record Published(BundleRecord Bundle, bool Existed);

/// <summary>A recorded run.</summary>
/// <param name="Run">What was recorded.</param>
/// <param name="Existed">Whether it was there before.</param>
public sealed record RecordedRun(RunRecord Run, bool Existed);
