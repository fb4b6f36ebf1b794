using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Embedded;

namespace Orleans.Hosting;

/// <summary>A silo by itself.</summary>
public static class CoreHostingExtensions
{
    private const string Development = "dev";

    /// <summary>Names the service and cluster; ports mean nothing here.</summary>
    public static ISiloBuilder UseLocalhostClustering(
        this ISiloBuilder builder,
        int siloPort = 11111,
        int gatewayPort = 30000,
        IPEndPoint? primarySiloEndpoint = null,
        string serviceId = Development,
        string clusterId = Development)
    {
        if (serviceId != Development || clusterId != Development)
        {
            builder.Services.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (serviceId, clusterId));
        }

        builder.Services.PostConfigure<ClusterOptions>(options =>
        {
            options.ServiceId = string.IsNullOrWhiteSpace(options.ServiceId) ? Development : options.ServiceId;
            options.ClusterId = string.IsNullOrWhiteSpace(options.ClusterId) ? Development : options.ClusterId;
        });
        return builder;
    }

    /// <summary>Has calls appear in traces below whatever made them. Nothing is done while nobody listens.</summary>
    public static ISiloBuilder AddActivityPropagation(this ISiloBuilder builder)
    {
        builder.Services.TryAddSingleton<CallTraces>();
        return builder;
    }
}
