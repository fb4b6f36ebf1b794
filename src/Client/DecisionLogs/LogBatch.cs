namespace OrleansPolicy.Client;

/// <summary>Lines that travel together.</summary>
/// <param name="Id">Unique among all batches of the node, also across processes: a batch that is sent twice is stored once.</param>
/// <param name="Lines">Whole lines.</param>
internal sealed record LogBatch(string Id, ReadOnlyMemory<byte> Lines)
{
    /// <summary>How much travels together at most: well below what the control plane takes.</summary>
    public const int BytesMax = 512 * 1024;

    public int Records => Lines.Span.Count((byte)'\n');
}
