using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Serialization;

/// <summary>Adds serializers to a silo or client.</summary>
public static class ServiceCollectionExtensions
{
    public static IServiceCollection AddSerializer(this IServiceCollection services, Action<ISerializerBuilder>? configure = null)
    {
        configure?.Invoke(new SerializerBuilder(services));
        return services;
    }

    private sealed record SerializerBuilder(IServiceCollection Services) : ISerializerBuilder;
}
