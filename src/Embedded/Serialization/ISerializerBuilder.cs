using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Serialization;

/// <summary>Where serializers are added.</summary>
public interface ISerializerBuilder
{
    IServiceCollection Services { get; }
}
