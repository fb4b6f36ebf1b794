using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;

namespace Orleans.Hosting;

/// <summary>States in PostgreSQL.</summary>
public static class AdoNetGrainStorageSiloBuilderExtensions
{
    private const string Default = "Default";

    public static ISiloBuilder AddAdoNetGrainStorage(
        this ISiloBuilder builder, string name, Action<OptionsBuilder<AdoNetGrainStorageOptions>>? configureOptions = null)
    {
        configureOptions?.Invoke(builder.Services.AddOptions<AdoNetGrainStorageOptions>(name));
        builder.Services.AddKeyedSingleton<IGrainStorage>(name, static (services, key) => Create(services, (string)key!));
        builder.Services.AddSingleton(services => (ISiloPart)services.GetRequiredKeyedService<IGrainStorage>(name));
        if (name == Default)
        {
            builder.Services.TryAddSingleton(services => services.GetRequiredKeyedService<IGrainStorage>(Default));
        }

        return builder;
    }

    public static ISiloBuilder AddAdoNetGrainStorage(this ISiloBuilder builder, string name, Action<AdoNetGrainStorageOptions> configureOptions) =>
        builder.AddAdoNetGrainStorage(name, options => options.Configure(configureOptions));

    public static ISiloBuilder AddAdoNetGrainStorageAsDefault(this ISiloBuilder builder, Action<AdoNetGrainStorageOptions> configureOptions) =>
        builder.AddAdoNetGrainStorage(Default, configureOptions);

    private static AdoNetGrainStorage Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<AdoNetGrainStorageOptions>>().Get(name);
        return new AdoNetGrainStorage(
            name,
            options,
            options.GrainStorageSerializer ?? services.GetRequiredService<IGrainStorageSerializer>(),
            services.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId);
    }
}
