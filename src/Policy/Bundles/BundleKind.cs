namespace OrleansPolicy.Bundles;

/// <summary>The kinds of bundles.</summary>
public static class BundleKind
{
    /// <summary>Rules that decide requests.</summary>
    public const string Rules = "rules";

    /// <summary>Any JSON policy that nodes read themselves.</summary>
    public const string Document = "document";
}
