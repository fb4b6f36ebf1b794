using System.Net;
using System.Net.Sockets;
using Orleans.Configuration;
using Orleans.Dashboard;
using OrleansPolicy.Grains.Hosting;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>The silo of the process: alone, or one of a cluster; its state and reminders in the product's database.</summary>
internal static class SiloSetup
{
    private const string Invariant = "Npgsql";
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(5);

    public static void Add(WebApplicationBuilder builder, SiloSettings settings)
    {
        builder.Services.Configure<RolloutOptions>(options => options.HourSeconds = settings.HourSeconds);
        builder.UseOrleans(silo =>
        {
            if (settings.Cluster.IsJoined)
            {
                Join(silo, settings.Cluster);
            }
            else
            {
                // Nobody connects from outside, so any free port will do and two installations on one machine never collide.
                silo.UseLocalhostClustering(
                    FreePort(IPAddress.Loopback), gatewayPort: 0, serviceId: settings.Cluster.ServiceId, clusterId: settings.Cluster.ClusterId);
            }

            silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = ResponseTimeout);
            silo.Configure<ClusterMembershipOptions>(options =>
            {
                options.ProbeTimeout = TimeSpan.FromSeconds(1);
                options.NumMissedProbesLimit = 2;
                options.NumVotesForDeathDeclaration = settings.Cluster.DeathVotes;

                // Silos that were all killed are taken for alive by those that come after them until three of these have passed.
                options.IAmAliveTablePublishTimeout = StartChecks.AliveEvery;
                options.MaxJoinAttemptTime = TimeSpan.FromMinutes(1);
            });
            silo.AddAdoNetGrainStorage(StateNames.Provider, storage => storage.Configure<PolicyDatabase>((options, database) =>
            {
                options.Invariant = Invariant;
                options.DataSource = database.GrainDataSource;
            }));
            silo.UseAdoNetReminderService(reminders => reminders.Configure<PolicyDatabase>((options, database) =>
            {
                options.Invariant = Invariant;
                options.DataSource = database.GrainDataSource;
            }));
            silo.AddPolicyGrains();
            if (settings.Dashboard)
            {
                silo.AddDashboard();
            }

            if (settings.Otlp is not null)
            {
                silo.AddActivityPropagation();
            }
        });
    }

    private static void Join(ISiloBuilder silo, ClusterSettings cluster)
    {
        var address = OwnAddress.Of(cluster);
        var (siloPort, gatewayPort) = (TakePort(address, cluster.SiloPort), TakePort(address, cluster.GatewayPort));
        silo.UseAdoNetClustering(clustering => clustering.Configure<PolicyDatabase>((options, database) =>
        {
            options.Invariant = Invariant;
            options.DataSource = database.GrainDataSource;
        }));
        silo.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = (cluster.ServiceId, cluster.ClusterId));
        silo.Configure<SiloOptions>(options => options.SiloName = $"{Environment.MachineName}:{siloPort}");
        silo.Configure<EndpointOptions>(options =>
            (options.AdvertisedIPAddress, options.SiloPort, options.GatewayPort) = (address, siloPort, gatewayPort));
    }

    // Told before anything starts, in one line, instead of by the engine half a minute later.
    private static int TakePort(IPAddress address, int port)
    {
        try
        {
            return FreePort(address, port);
        }
        catch (SocketException exception)
        {
            throw new ConfigurationFailureException("config.cluster", $"The silo cannot listen on {new IPEndPoint(address, port)}: {exception.Message}", exception);
        }
    }

    private static int FreePort(IPAddress address, int port = 0)
    {
        using var listener = new TcpListener(address, port);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
