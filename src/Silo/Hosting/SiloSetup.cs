using System.Net;
using System.Net.Sockets;
using Orleans.Configuration;
using OrleansPolicy.Grains.Hosting;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>The silo of the process: one on this machine, its state and reminders in the product's database.</summary>
internal static class SiloSetup
{
    // Storage rows and reminders are keyed by it: it never changes.
    private const string ServiceId = "orleans-policy";
    private const string Invariant = "Npgsql";
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(5);

    public static void Add(WebApplicationBuilder builder, SiloSettings settings)
    {
        builder.Services.Configure<RolloutOptions>(options => options.HourSeconds = settings.HourSeconds);
        builder.UseOrleans(silo =>
        {
            // Nobody connects from outside, so any free port will do and two installations on one machine never collide.
            silo.UseLocalhostClustering(FreePort(), gatewayPort: 0, serviceId: ServiceId, clusterId: ServiceId);
            silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = ResponseTimeout);
            silo.Configure<ClusterMembershipOptions>(options =>
            {
                options.ProbeTimeout = TimeSpan.FromSeconds(1);
                options.NumMissedProbesLimit = 2;
                options.NumVotesForDeathDeclaration = 1;
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
        });
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
