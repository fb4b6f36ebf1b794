using System.Text;

namespace OrleansPolicy.Bundles;

/// <summary>Verifies bundles against a trust root. Makes no keys and takes none from the bundle.</summary>
public static class BundleVerifier
{
    /// <summary>
    /// Reads a bundle (see <see cref="BundleReader.Read"/>) and verifies its signatures. Every signature must be by a key of the
    /// root and good; the distinct public keys behind them must reach the threshold. Fails with <c>bundle.unsigned</c>,
    /// <c>bundle.key_unknown</c>, <c>bundle.key_unfit</c>, <c>bundle.signature_invalid</c>, <c>bundle.hash_mismatch</c> (unison form),
    /// <c>bundle.key_compromised</c>, <c>bundle.key_retired</c> (when publishing), <c>bundle.below_threshold</c>, <c>trust.*</c>.
    /// </summary>
    public static Outcome<Bundle> Verify(ReadOnlyMemory<byte> json, TrustRoot root, BundleReadOptions options, SigningUse use = SigningUse.Publish)
    {
        ArgumentNullException.ThrowIfNull(options);
        var bundle = BundleReader.Read(json, options with { AllowUnsigned = false, AllowRuleList = false });
        return bundle.Succeeded ? Verify(bundle.Value, root, use) : bundle;
    }

    /// <summary>The same for a bundle that was read before.</summary>
    public static Outcome<Bundle> Verify(Bundle bundle, TrustRoot root, SigningUse use = SigningUse.Publish)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        ArgumentNullException.ThrowIfNull(root);
        var ring = TrustKeyRing.Of(root);
        if (!ring.Problems.IsEmpty || root.Threshold < 1)
        {
            return Outcome<Bundle>.Fail(ring.Problems.IsEmpty ? [new Problem("trust.threshold", "The threshold is at least 1.", "$.threshold")] : ring.Problems);
        }

        if (bundle.Signatures.IsEmpty)
        {
            return Outcome<Bundle>.Fail("bundle.unsigned", "The bundle carries no signature.", "$.signatures");
        }

        var problems = new ProblemList();
        var signers = bundle.Form == BundleForm.Unison
            ? VerifyUnison(bundle, ring, use, problems)
            : VerifyNative(bundle, ring, use, problems);
        var distinct = signers.DistinctBy(s => s.Key.Fingerprint).Count();
        if (distinct < root.Threshold)
        {
            problems.Add("bundle.below_threshold", $"{distinct} of {root.Threshold} distinct keys have signed.", "$.signatures");
        }

        // Keys that no longer count are told only where the bundle fails without them.
        return distinct >= root.Threshold && problems.ToImmutable().All(p => p.Code is "bundle.key_compromised" or "bundle.key_retired")
            ? Outcome<Bundle>.Ok(bundle with { SignedBy = [.. signers.Select(s => s.Listed.KeyId).Distinct()] })
            : Outcome<Bundle>.Fail(problems.ToImmutable());
    }

    private static List<TrustKeyRing.Entry> VerifyNative(Bundle bundle, TrustKeyRing ring, SigningUse use, ProblemList problems)
    {
        var signers = new List<TrustKeyRing.Entry>();
        var digest = bundle.SignedDigest.AsSpan();
        for (var i = 0; i < bundle.Signatures.Length; i++)
        {
            var signature = bundle.Signatures[i];
            var path = $"$.signatures[{i}]";
            if (ring.Find(signature.KeyId) is not { } entry)
            {
                problems.Add("bundle.key_unknown", $"The trust root has no key {signature.KeyId}.", path + ".key_id");
            }
            else if (IsUnfit(entry.Key, signature.Algorithm))
            {
                problems.Add("bundle.key_unfit", $"The key {signature.KeyId} is not for {signature.Algorithm}.", path + ".algorithm");
            }
            else if (!Decode(signature.Sig, out var bytes) || !entry.Key.Verify(digest, bytes))
            {
                problems.Add("bundle.signature_invalid", $"The signature by {signature.KeyId} does not fit this content.", path + ".sig");
            }
            else if (Counts(ring, entry, use, path, problems))
            {
                signers.Add(entry);
            }
        }

        return signers;
    }

    private static List<TrustKeyRing.Entry> VerifyUnison(Bundle bundle, TrustKeyRing ring, SigningUse use, ProblemList problems)
    {
        var signature = bundle.Signatures[0];
        if (signature.Hash != bundle.PolicyHash)
        {
            problems.Add("bundle.hash_mismatch", $"The content's hash is {bundle.PolicyHash}, not the signed one.", "$.signature.hash");
            return [];
        }

        // The key id is only a label there: any RSA key of the root may have signed.
        var message = Encoding.ASCII.GetBytes(bundle.PolicyHash);
        if (Decode(signature.Sig, out var bytes) && ring.Keys.FirstOrDefault(e => e.Key.VerifyMaximumSalt(message, bytes)) is { } signer)
        {
            return Counts(ring, signer, use, "$.signature", problems) ? [signer] : [];
        }

        problems.Add("bundle.signature_invalid", "No RSA key of the trust root has made this signature.", "$.signature.signature_b64");
        return [];
    }

    private static bool IsUnfit(PublicKey key, string algorithm) =>
        key.Algorithm != algorithm || key.RsaBits is > 0 and < SignatureAlgorithm.NativeRsaBitsMin;

    private static bool Counts(TrustKeyRing ring, TrustKeyRing.Entry entry, SigningUse use, string path, ProblemList problems)
    {
        switch (ring.StateOf(entry.Key))
        {
            case TrustKeyState.Compromised:
                problems.Add("bundle.key_compromised", $"The key {entry.Listed.KeyId} is compromised.", path);
                return false;
            case TrustKeyState.Retired when use == SigningUse.Publish:
                problems.Add("bundle.key_retired", $"The key {entry.Listed.KeyId} is retired: it publishes nothing new.", path);
                return false;
            default:
                return true;
        }
    }

    private static bool Decode(string base64, out byte[] bytes)
    {
        var buffer = new byte[base64.Length];
        var decoded = Convert.TryFromBase64String(base64, buffer, out var length);
        bytes = buffer[..length];
        return decoded;
    }
}
