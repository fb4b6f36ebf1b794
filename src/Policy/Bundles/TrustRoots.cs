using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;

namespace OrleansPolicy.Bundles;

/// <summary>
/// Rules for trust roots. A root is signed over the canonical form (RFC 8785) of <c>{keys, threshold, version}</c>, each key with
/// all of <c>{algorithm, key_id, public_key_pem, state}</c>, under DSSE with <see cref="Dsse.TrustPayloadType"/>.
/// </summary>
public static class TrustRoots
{
    /// <summary>
    /// Everything wrong with a root by itself: <c>trust.version</c>, <c>trust.keys</c>, <c>trust.threshold</c>, <c>trust.signatures</c>,
    /// <c>trust.key_id</c>, <c>trust.key_id_duplicate</c>, <c>trust.algorithm</c>, <c>trust.key_private</c>, <c>trust.key_malformed</c>,
    /// <c>trust.key_curve</c>, <c>trust.key_weak</c>, <c>trust.key_large</c>. Signatures are for <see cref="Follow"/>; a first root needs none.
    /// </summary>
    public static Outcome<TrustRoot> Validate(TrustRoot root)
    {
        ArgumentNullException.ThrowIfNull(root);
        var problems = ImmutableArray.CreateBuilder<Problem>();
        if (root.Version < 1)
        {
            problems.Add(new Problem("trust.version", "Versions begin at 1.", "$.version"));
        }

        root = root with { Keys = root.Keys.IsDefault ? [] : root.Keys, Signatures = root.Signatures.IsDefault ? [] : root.Signatures };
        if (root.Keys.Length is 0 or > BundleLimits.KeysMax)
        {
            problems.Add(new Problem("trust.keys", $"A root has 1 to {BundleLimits.KeysMax} keys, this one has {root.Keys.Length}.", "$.keys"));
            return Outcome<TrustRoot>.Fail(problems.ToImmutable());
        }

        if (root.Signatures.Length > BundleLimits.SignaturesMax || root.Signatures.Any(signature => signature is null))
        {
            problems.Add(new Problem("trust.signatures", $"A root has at most {BundleLimits.SignaturesMax} signatures, each {{key_id, sig}}.", "$.signatures"));
        }

        var ring = TrustKeyRing.Of(root);
        problems.AddRange(ring.Problems);
        var usable = ring.CountDistinct(state => state == TrustKeyState.Active);
        if (root.Threshold < 1 || (ring.Problems.IsEmpty && root.Threshold > usable))
        {
            problems.Add(new Problem(
                "trust.threshold", $"The threshold is {root.Threshold}; it must be 1 to {usable}, the number of distinct active public keys.", "$.threshold"));
        }

        return problems.Count == 0 ? Outcome<TrustRoot>.Ok(root) : Outcome<TrustRoot>.Fail(problems.ToImmutable());
    }

    /// <summary>
    /// Replaces a root by the next: one version higher, and signed by the threshold of both. Fails with <c>trust.locked</c> where
    /// signatures are missing, <c>trust.version</c>, and what <see cref="Validate"/> finds.
    /// </summary>
    public static Outcome<TrustRoot> Follow(TrustRoot current, TrustRoot next)
    {
        ArgumentNullException.ThrowIfNull(current);
        var valid = Validate(next);
        if (!valid.Succeeded)
        {
            return valid;
        }

        next = valid.Value;
        var payload = Payload(next);
        var problems = ImmutableArray.CreateBuilder<Problem>();
        foreach (var (root, which) in new[] { (current, "the root in force"), (next, "the new root") })
        {
            var signed = CountSigners(root, next.Signatures, payload);
            if (signed < root.Threshold)
            {
                problems.Add(new Problem(
                    "trust.locked", $"{signed} of {root.Threshold} distinct keys of {which} have signed the new root.", "$.signatures"));
            }
        }

        if (next.Version != current.Version + 1)
        {
            problems.Add(new Problem("trust.version", $"Version {current.Version + 1} follows, not {next.Version}.", "$.version"));
        }

        return problems.Count == 0 ? valid : Outcome<TrustRoot>.Fail(problems.ToImmutable());
    }

    /// <summary>The root with a signature by this key added, or replaced where the key signed before.</summary>
    /// <param name="root">The root to sign: everything but its signatures is covered.</param>
    /// <param name="keyId">The key's id in the old root or in this one.</param>
    /// <param name="key">A P-256 or RSA key with its private part.</param>
    public static TrustRoot Sign(TrustRoot root, string keyId, AsymmetricAlgorithm key)
    {
        ArgumentNullException.ThrowIfNull(root);
        var signature = new TrustSignature(keyId, Convert.ToBase64String(PrivateKeySigner.Sign(Payload(root), key)));
        return root with { Signatures = [.. root.Signatures.Where(s => s.KeyId != keyId), signature] };
    }

    /// <summary>The lower-case hex SHA-256 of what is signed: the root's identity whatever signatures it carries. Agents may pin it.</summary>
    public static string Hash(TrustRoot root) => CanonicalJson.Hash(Canonical(root));

    private static int CountSigners(TrustRoot root, ImmutableArray<TrustSignature> signatures, byte[] digest)
    {
        var ring = TrustKeyRing.Of(root);
        var signers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var signature in signatures)
        {
            var bytes = new byte[signature.Sig?.Length ?? 0];
            if (ring.Find(signature.KeyId ?? "") is { } entry
                && ring.StateOf(entry.Key) == TrustKeyState.Active
                && Convert.TryFromBase64String(signature.Sig ?? "", bytes, out var length)
                && entry.Key.Verify(digest, bytes.AsSpan(0, length)))
            {
                signers.Add(entry.Key.Fingerprint);
            }
        }

        return signers.Count;
    }

    private static byte[] Payload(TrustRoot root) => Dsse.Digest(Dsse.TrustPayloadType, Canonical(root));

    private static byte[] Canonical(TrustRoot root) => CanonicalJson.Canonicalize(JsonSerializer.SerializeToUtf8Bytes(
        new { root.Version, root.Keys, root.Threshold }, PolicyJson.Options));
}
