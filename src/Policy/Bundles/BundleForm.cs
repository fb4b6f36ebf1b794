namespace OrleansPolicy.Bundles;

/// <summary>How a bundle is written.</summary>
public enum BundleForm
{
    /// <summary>Ours: <c>metadata</c>, <c>policies</c> or <c>document</c>, <c>signatures</c>.</summary>
    Native,

    /// <summary>unison's: <c>metadata</c>, <c>policies</c>, one <c>signature</c>.</summary>
    Unison,

    /// <summary>A list of rules and nothing else, for trying them.</summary>
    RuleList,
}
