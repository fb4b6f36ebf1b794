namespace OrleansPolicy.Bundles;

/// <summary>How strictly a bundle is read.</summary>
public sealed record BundleReadOptions
{
    /// <summary>What is published: signed, unknown fields passed over.</summary>
    public static BundleReadOptions Default { get; } = new();

    /// <summary>What may be tried: unsigned bundles and bare lists of rules too.</summary>
    public static BundleReadOptions ForTrial { get; } = new() { AllowUnsigned = true, AllowRuleList = true };

    /// <summary>Whether fields that are not known are refused (<c>bundle.unknown_field</c>).</summary>
    public bool Strict { get; init; }

    /// <summary>Whether a bundle without signatures is read. Verifying it fails all the same.</summary>
    public bool AllowUnsigned { get; init; }

    /// <summary>Whether a bare list of rules is read as a bundle of version 0.0.0.</summary>
    public bool AllowRuleList { get; init; }

    /// <summary>
    /// A bundle that was read before, most likely the one in force: rules that stand in both, byte for byte, are taken over from it. What
    /// is read is the same with it and without.
    /// </summary>
    public Bundle? Previous { get; init; }

    /// <summary>Whether an unsigned bundle that does not show its form is native, as it is to whoever signs it.</summary>
    internal bool AssumeNative { get; init; }
}
