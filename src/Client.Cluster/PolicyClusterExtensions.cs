using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using OrleansPolicy.Abstractions;

namespace OrleansPolicy.Client.Cluster;

/// <summary>Makes a host a client of the cluster.</summary>
public static class PolicyClusterExtensions
{
    private const string Invariant = "Npgsql";
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan GatewaysReadEvery = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Registers <see cref="IClusterClient"/>, connected when the host starts. Its grains are those of <see cref="GrainKeys"/>:
    /// <c>client.Limiter(tenant)</c>, <c>client.Node(tenant, fleet, node)</c>, <c>client.Rollout(tenant, id)</c> and so on (docs/GRAINS.md).
    /// Whoever can connect may do everything: keys and roles are checked at the HTTP door alone.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="configure">Changes what the section <see cref="PolicyClusterOptions.Section"/> says.</param>
    /// <exception cref="ArgumentException">No connection string, or a time that is not positive.</exception>
    public static IHostApplicationBuilder AddPolicyCluster(this IHostApplicationBuilder builder, Action<PolicyClusterOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = builder.Configuration.GetSection(PolicyClusterOptions.Section).Get<PolicyClusterOptions>() ?? new PolicyClusterOptions();
        configure?.Invoke(options);
        if (string.IsNullOrWhiteSpace(options.ConnectionString))
        {
            throw new ArgumentException($"{PolicyClusterOptions.Section}:ConnectionString, the database of the silos, is needed.", nameof(configure));
        }

        if (options.CallTimeout <= TimeSpan.Zero || options.ConnectWithin < TimeSpan.Zero)
        {
            throw new ArgumentException($"{PolicyClusterOptions.Section}: times are positive.", nameof(configure));
        }

        builder.UseOrleansClient(client =>
        {
            client.UseAdoNetClustering(clustering =>
            {
                clustering.Invariant = Invariant;
                clustering.ConnectionString = options.ConnectionString;
            });
            client.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = (options.ServiceId, options.ClusterId));
            client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = options.CallTimeout);
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = GatewaysReadEvery);
            client.UseConnectionRetryFilter(RetryUntil(DateTime.UtcNow + options.ConnectWithin));
        });
        builder.Services.AddPolicySerialization();
        return builder;
    }

    // An application that is started with its cluster waits for it instead of ending.
    private static Func<Exception, CancellationToken, Task<bool>> RetryUntil(DateTime end) => async (_, cancellationToken) =>
    {
        if (DateTime.UtcNow >= end)
        {
            return false;
        }

        await Task.Delay(BetweenAttempts, cancellationToken);
        return true;
    };
}
