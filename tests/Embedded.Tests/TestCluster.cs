using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.TestingHost;

namespace OrleansPolicy.Embedded.Tests;

/// <summary>Deploys clusters that are set up as the product sets its own up: domain types travel as JSON.</summary>
internal static class TestCluster
{
    public static async Task<InProcessTestCluster> DeployAsync(short silos = 1, Action<ISiloBuilder>? configure = null, string? serviceId = null)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        if (serviceId is not null)
        {
            builder.Options.ServiceId = serviceId;
        }

        builder.ConfigureSilo((_, silo) =>
        {
            AddJson(silo.Services);
            silo.Configure<ClusterMembershipOptions>(options =>
            {
                options.ProbeTimeout = TimeSpan.FromSeconds(1);
                options.NumMissedProbesLimit = 2;
                options.NumVotesForDeathDeclaration = 1;
            });
            silo.Configure<GrainCollectionOptions>(options => options.CollectionQuantum = TimeSpan.FromMilliseconds(500));
            configure?.Invoke(silo);
        });
        builder.ConfigureClient(client => AddJson(client.Services));
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    public static void AddJson(IServiceCollection services) => services.AddSerializer(serializer => serializer.AddJsonSerializer(
        type => type.Namespace?.StartsWith("OrleansPolicy", StringComparison.Ordinal) == true, new JsonSerializerOptions(JsonSerializerDefaults.Web)));
}
