using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace OrleansPolicy.Abstractions;

/// <summary>How our records cross grain calls: the same at both ends, in a silo and in a client of the cluster.</summary>
public static class PolicySerialization
{
    /// <summary>
    /// Lets our records cross grain calls as JSON (<see cref="PolicyJson.Options"/>): the domain carries no attribute of the engine. A
    /// reader passes over members that it does not know and takes the default for those that are missing, so that silos and clients of
    /// neighbouring versions understand each other.
    /// </summary>
    public static IServiceCollection AddPolicySerialization(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSerializer(serializer => serializer.AddJsonSerializer(IsOurs, PolicyJson.Options));
    }

    // References to grains and observers are the engine's to write, and so are exceptions, whose JSON has no end.
    private static bool IsOurs(Type type) =>
        !type.IsInterface
        && (type.Namespace == "OrleansPolicy" || type.Namespace?.StartsWith("OrleansPolicy.", StringComparison.Ordinal) == true)
        && !typeof(Exception).IsAssignableFrom(type)
        && !typeof(IAddressable).IsAssignableFrom(type);
}
