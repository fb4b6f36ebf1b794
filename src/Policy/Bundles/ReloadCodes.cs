namespace OrleansPolicy.Bundles;

/// <summary>
/// Why a reload put nothing in force: which part of what was brought was at fault. One stable code each; the codes that were found
/// underneath (<c>bundle.rule.effect</c>, …) stand beside it.
/// </summary>
public static class ReloadCodes
{
    /// <summary>The file is not there, cannot be read, is too large, or lies where none may be taken from.</summary>
    public const string File = "reload.file";

    /// <summary>It is no JSON, or JSON that could be read in two ways (repeated members, lone surrogates, inexact numbers, too deep).</summary>
    public const string Json = "reload.json";

    /// <summary>It is JSON and no bundle: metadata, kind, document or fields are not as they should be.</summary>
    public const string Structure = "reload.structure";

    /// <summary>It is not signed as the trust root demands, or there is no trust root.</summary>
    public const string Signature = "reload.signature";

    /// <summary>It has expired.</summary>
    public const string Expiry = "reload.expiry";

    /// <summary>Its sequence is below one that was seen before: a replay.</summary>
    public const string Sequence = "reload.sequence";

    /// <summary>A rule of it is wrong, or it has none.</summary>
    public const string Rules = "reload.rules";

    /// <summary>It is sound, and the application or the control plane did not take it.</summary>
    public const string Refused = "reload.refused";

    /// <summary>It could not be fetched.</summary>
    public const string Fetch = "reload.fetch";

    /// <summary>It is sound, and its audit entry could not be written: what is not on record is not put in force.</summary>
    public const string Audit = "reload.audit";

    /// <summary>The control plane leads the node: what it runs is changed by a rollout, not by a file.</summary>
    public const string Managed = "reload.managed";

    /// <summary>The part that a problem of a bundle, its trust root or its way here belongs to.</summary>
    public static string Of(string problemCode)
    {
        ArgumentNullException.ThrowIfNull(problemCode);
        return problemCode switch
        {
            _ when problemCode.StartsWith("reload.", StringComparison.Ordinal) => problemCode,
            "bundle.too_large" => File,
            _ when problemCode.StartsWith("file.", StringComparison.Ordinal) => File,
            "bundle.malformed" or "bundle.too_deep" or "bundle.surrogate" or "bundle.number" => Json,
            "bundle.expired" => Expiry,
            "bundle.replayed" => Sequence,
            "bundle.empty" or "bundle.too_many_rules" => Rules,
            "bundle.unsigned" or "bundle.signature_invalid" or "bundle.hash_mismatch" or "bundle.below_threshold" => Signature,
            _ when problemCode.StartsWith("bundle.rule.", StringComparison.Ordinal) => Rules,
            _ when problemCode.StartsWith("bundle.signature.", StringComparison.Ordinal) || problemCode.StartsWith("bundle.key_", StringComparison.Ordinal) || problemCode.StartsWith("trust.", StringComparison.Ordinal) => Signature,
            _ when problemCode.StartsWith("bundle.", StringComparison.Ordinal) => Structure,
            "node.hash_mismatch" or "node.content_url_refused" => Fetch,
            _ when problemCode.StartsWith("node.", StringComparison.Ordinal) || problemCode.StartsWith("fleet.", StringComparison.Ordinal) => Refused,
            _ => Fetch,
        };
    }
}
