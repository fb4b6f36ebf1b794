using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Http;

/// <summary>Judges a bundle as publishing it would, and stores nothing.</summary>
internal static class BundleVerdicts
{
    private const string MalformedCode = "bundle.malformed";

    /// <summary>The verdict, also on what is wrong. Fails only for what is no JSON object or repeats a key (<c>bundle.malformed</c>).</summary>
    public static async Task<Outcome<BundleVerdict>> JudgeAsync(
        string tenant, ReadOnlyMemory<byte> json, bool strict, ICatalogStore catalog, CancellationToken cancellationToken)
    {
        strict |= await catalog.ReadStrictAsync(tenant, cancellationToken);

        // Read first without asking for signatures: a verdict names the bundle even where its signatures are bad.
        var read = BundleReader.Read(json, new BundleReadOptions { Strict = strict, AllowUnsigned = true });
        if (!read.Succeeded)
        {
            return read.Problems.Any(problem => problem.Code == MalformedCode)
                ? Outcome<BundleVerdict>.Fail(read.Problems)
                : Outcome<BundleVerdict>.Ok(new BundleVerdict(Valid: false, null, null, null, read.Problems));
        }

        var root = await catalog.ReadTrustRootAsync(tenant, version: null, cancellationToken);
        var problems = root is null
            ? [new Problem("trust.unset", "The tenant has no trust root: no signature counts.")]
            : BundleVerifier.Verify(json, JsonSerializer.Deserialize<TrustRoot>(root.Document, PolicyJson.Options)!, new BundleReadOptions { Strict = strict }).Problems;
        var bundle = read.Value;
        return Outcome<BundleVerdict>.Ok(new BundleVerdict(
            problems.IsDefaultOrEmpty, bundle.PolicyHash, bundle.Metadata.Version, bundle.Metadata.BundleId, problems.IsDefault ? [] : problems));
    }
}

/// <summary>What verifying a bundle found.</summary>
/// <param name="Valid">Whether it could be published, its version being free.</param>
/// <param name="PolicyHash">Its identity, where it could be read.</param>
/// <param name="Version">Its version.</param>
/// <param name="BundleId">The author's id.</param>
/// <param name="Errors">Everything that is wrong.</param>
public sealed record BundleVerdict(bool Valid, string? PolicyHash, string? Version, string? BundleId, ImmutableArray<Problem> Errors);
