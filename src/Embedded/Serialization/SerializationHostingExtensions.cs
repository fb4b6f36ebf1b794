using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Serialization;

/// <summary>Adds System.Text.Json as the way in which some types are copied between grains.</summary>
public static class SerializationHostingExtensions
{
    public static ISerializerBuilder AddJsonSerializer(
        this ISerializerBuilder serializerBuilder, Func<Type, bool>? isSupported, JsonSerializerOptions? jsonSerializerOptions = null)
    {
        ArgumentNullException.ThrowIfNull(serializerBuilder);
        serializerBuilder.Services.AddSingleton(new JsonTypes(isSupported ?? (static _ => false), jsonSerializerOptions ?? JsonSerializerOptions.Default));
        return serializerBuilder;
    }
}
