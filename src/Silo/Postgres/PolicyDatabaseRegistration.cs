using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Puts a database behind the ports that the grains and the HTTP API read and write through.</summary>
public static class PolicyDatabaseRegistration
{
    /// <summary>Registers the stores of an open database. Its owner disposes it, after the host has stopped.</summary>
    public static IServiceCollection AddPolicyDatabase(this IServiceCollection services, PolicyDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        return services
            .AddSingleton<IRolloutStore>(provider => new PostgresRolloutStore(
                database.DataSource, provider.GetKeyedService<TimeProvider>(PolicyClock.Key) ?? TimeProvider.System))
            .AddSingleton<ICatalogStore>(_ => new PostgresCatalogStore(database.DataSource))
            .AddSingleton<IAuditStore>(_ => new PostgresAuditStore(database.DataSource))
            .AddSingleton<IKeyStore>(_ => new PostgresKeyStore(database.DataSource));
    }
}
