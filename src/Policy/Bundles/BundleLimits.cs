namespace OrleansPolicy.Bundles;

/// <summary>The limits on what is read. Each is refused with a code of its own; none is configurable, so that every node agrees.</summary>
public static class BundleLimits
{
    /// <summary>The largest bundle file: 16 MiB (<c>bundle.too_large</c>).</summary>
    public const int SizeBytesMax = 16 * 1024 * 1024;

    /// <summary>How deep objects and arrays may nest (<c>json.depth</c>, <c>bundle.too_deep</c>).</summary>
    public const int DepthMax = 64;

    /// <summary>How many rules one bundle may hold (<c>bundle.too_many_rules</c>).</summary>
    public const int RulesMax = 100_000;

    /// <summary>How many signatures one bundle or trust root may carry.</summary>
    public const int SignaturesMax = 64;

    /// <summary>How many keys one trust root may hold.</summary>
    public const int KeysMax = 64;

    /// <summary>How many problems one answer lists; the search goes no further after that.</summary>
    public const int ProblemsMax = 500;
}
