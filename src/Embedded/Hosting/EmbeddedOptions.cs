namespace Orleans.Embedded;

/// <summary>What only this engine can be told.</summary>
internal sealed class EmbeddedOptions
{
    /// <summary>Whether arguments and results are copied, as they are between processes. Off in a host, on in a test cluster.</summary>
    public bool CopyCalls { get; set; }
}
