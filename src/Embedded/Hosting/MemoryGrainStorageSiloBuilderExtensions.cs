using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;

namespace Orleans.Hosting;

/// <summary>States in memory.</summary>
public static class MemoryGrainStorageSiloBuilderExtensions
{
    private const string Default = "Default";

    public static ISiloBuilder AddMemoryGrainStorage(
        this ISiloBuilder builder, string name, Action<OptionsBuilder<MemoryGrainStorageOptions>>? configureOptions = null)
    {
        configureOptions?.Invoke(builder.Services.AddOptions<MemoryGrainStorageOptions>(name));
        builder.Services.AddKeyedSingleton<IGrainStorage>(name, static (services, key) => new MemoryGrainStorage(
            (string)key!,
            services.GetRequiredService<Cluster>(),
            services.GetRequiredService<IOptionsMonitor<MemoryGrainStorageOptions>>().Get((string)key!).GrainStorageSerializer
                ?? services.GetRequiredService<IGrainStorageSerializer>()));
        if (name == Default)
        {
            builder.Services.TryAddSingleton(services => services.GetRequiredKeyedService<IGrainStorage>(Default));
        }

        return builder;
    }

    public static ISiloBuilder AddMemoryGrainStorage(this ISiloBuilder builder, string name, Action<MemoryGrainStorageOptions> configureOptions) =>
        builder.AddMemoryGrainStorage(name, options => options.Configure(configureOptions));

    public static ISiloBuilder AddMemoryGrainStorageAsDefault(
        this ISiloBuilder builder, Action<OptionsBuilder<MemoryGrainStorageOptions>>? configureOptions = null) =>
        builder.AddMemoryGrainStorage(Default, configureOptions);
}
