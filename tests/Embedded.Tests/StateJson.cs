using System.Text.Json;
using Orleans.Storage;

namespace OrleansPolicy.Embedded.Tests;

/// <summary>States as JSON without type names, as the product stores its own.</summary>
internal sealed class StateJson : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input, JsonSerializerOptions.Web));

    public T? Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span, JsonSerializerOptions.Web);
}
