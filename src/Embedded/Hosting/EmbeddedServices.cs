using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;

namespace Orleans.Embedded;

/// <summary>The services of a silo and of a client. Adding them twice adds them once.</summary>
internal static class EmbeddedServices
{
    public static IServiceCollection AddEmbeddedSilo(this IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(Silo)))
        {
            return services;
        }

        services.AddEngine();
        services.TryAddSingleton<Silo>(provider => new Silo(provider.GetRequiredService<Cluster>(), provider));
        services.TryAddSingleton<Participant>(provider => provider.GetRequiredService<Silo>());
        services.TryAddSingleton<IGrainStorageSerializer, JsonStateSerializer>();
        services.TryAddScoped<ActivationHolder>();
        services.TryAddScoped<IGrainContextAccessor>(provider => provider.GetRequiredService<ActivationHolder>());
        services.TryAddScoped<IGrainContext>(provider => provider.GetRequiredService<ActivationHolder>().GrainContext);
        services.AddSingleton<IHostedService, SiloHostedService>();
        return services;
    }

    public static IServiceCollection AddEmbeddedClient(this IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(Participant)))
        {
            return services;
        }

        services.AddEngine();
        services.TryAddSingleton<Client>(provider => new Client(
            provider.GetRequiredService<Cluster>(), provider, provider.GetRequiredService<IOptions<ClientMessagingOptions>>().Value));
        services.TryAddSingleton<Participant>(provider => provider.GetRequiredService<Client>());
        services.AddSingleton<IHostedService, ClientHostedService>();
        return services;
    }

    private static void AddEngine(this IServiceCollection services)
    {
        services.AddLogging();
        services.AddOptions();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddKeyedSingleton<TimeProvider>(KeyedService.AnyKey, static (provider, _) => provider.GetRequiredService<TimeProvider>());
        services.TryAddSingleton(provider => new Cluster(provider.GetService<EngineSources>() ?? EngineSources.Default));
        services.TryAddSingleton<ClusterClient>();
        services.TryAddSingleton<IClusterClient>(provider => provider.GetRequiredService<ClusterClient>());
        services.TryAddSingleton<IGrainFactory>(provider => provider.GetRequiredService<ClusterClient>());
    }
}
