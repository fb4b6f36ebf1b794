using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Arming;
using OrleansPolicy.Grains.Catalog;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Fleets;
using OrleansPolicy.Grains.Parity;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Waves;

namespace OrleansPolicy.Grains.Hosting;

/// <summary>What a silo needs to run the grains.</summary>
public static class PolicyGrainsExtensions
{
    /// <summary>
    /// Registers what the grains take from their silo, except the stores (<see cref="IRolloutStore"/> and its kin) and the storage
    /// provider named <see cref="StateNames.Provider"/>, which belong to the host. A clock under <see cref="PolicyClock.Key"/> and
    /// <see cref="IMetricQueries"/> may be registered before.
    /// </summary>
    public static ISiloBuilder AddPolicyGrains(this ISiloBuilder silo)
    {
        ArgumentNullException.ThrowIfNull(silo);
        silo.Services.AddPolicySerialization();
        silo.Services.TryAddKeyedSingleton(PolicyClock.Key, TimeProvider.System);
        silo.Services.AddOptions<RolloutOptions>();
        silo.Services.TryAddSingleton<ChangeCommitter>();
        silo.Services.TryAddSingleton<StartableBundles>();
        silo.Services.TryAddSingleton<RunProposals>();
        silo.Services.TryAddSingleton<RolloutChanges>();
        silo.Services.TryAddSingleton<TenantRestraints>();
        silo.Services.TryAddSingleton<Backtests>();
        silo.Services.TryAddSingleton<IMetricQueries, NoMetricQueries>();
        silo.Services.TryAddSingleton<RolloutStarts>();
        silo.Services.TryAddSingleton<RolloutLooks>();
        silo.Services.TryAddSingleton<FastTracks>();
        silo.Services.TryAddSingleton<WaveStarts>();
        silo.Services.TryAddSingleton<WaveOrders>();
        silo.Services.TryAddSingleton<RolloutMeter>();
        silo.Services.TryAddSingleton<ParityMeter>();
        silo.Services.TryAddSingleton<RolloutNews>();
        silo.Services.TryAddSingleton(services => new OverdueRollouts(
            services.GetRequiredService<IRolloutStore>(), services.GetRequiredService<ChangeCommitter>(),
            services.GetRequiredService<RolloutLooks>(), services.GetRequiredService<RolloutNews>(),
            services.GetRequiredKeyedService<TimeProvider>(PolicyClock.Key)));
        silo.Services.TryAddSingleton(services => new ArmGate(
            services.GetRequiredService<IRolloutStore>(), services.GetRequiredService<ChangeCommitter>(), services.GetRequiredService<IGrainFactory>(),
            services.GetRequiredKeyedService<TimeProvider>(PolicyClock.Key), services.GetRequiredService<ILogger<ArmGate>>()));
        silo.Services.TryAddSingleton<FleetProposals>();
        silo.Services.TryAddSingleton<VersionedStateSerializer>();
        silo.Services.AddSingleton<IGrainStorageSerializer>(services => services.GetRequiredService<VersionedStateSerializer>());
        return silo;
    }
}
