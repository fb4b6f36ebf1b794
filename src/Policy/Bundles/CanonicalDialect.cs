namespace OrleansPolicy.Bundles;

/// <summary>Which canonical form is written.</summary>
internal enum CanonicalDialect
{
    /// <summary>RFC 8785.</summary>
    Jcs,

    /// <summary>
    /// What unison's bundles are hashed over: names sorted by code point, everything beyond ASCII escaped, integers of any length
    /// kept, floating-point numbers written as Python writes them.
    /// </summary>
    Python,
}
