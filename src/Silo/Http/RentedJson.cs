using System.Buffers;
using System.Text.Json;

namespace OrleansPolicy.Silo.Http;

/// <summary>JSON in memory that goes back where it came from. Nothing of the document may be kept beyond that.</summary>
public sealed class RentedJson(JsonDocument document, byte[] memory) : IDisposable
{
    /// <summary>The outermost value.</summary>
    public JsonElement Root => document.RootElement;

    /// <inheritdoc/>
    public void Dispose()
    {
        document.Dispose();
        if (memory.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(memory);
        }
    }
}
