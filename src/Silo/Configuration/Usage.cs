using System.Reflection;

namespace OrleansPolicy.Silo.Configuration;

/// <summary>What <c>--help</c> and <c>--version</c> print.</summary>
public static class Usage
{
    /// <summary>How to call the program.</summary>
    public const string Text = """
        orleans-policy: ships signed policy to a fleet in stages, and takes it back.

        orleans-policy [serve] [options]

          --urls URL                   where to listen, default http://127.0.0.1:8080 (ASPNETCORE_URLS)
          --data DIR                   data folder, default .data (POLICY_DATA)
          --connection-string CS       an own PostgreSQL; without one a private PostgreSQL runs in the data folder
                                       (Policy__ConnectionString)
          --bundle FILE                a signed bundle that this process runs itself while fleet default has no baseline;
                                       it is watched (SingleNode__Bundle; docs/HOT_RELOAD.md)
          --trust-root FILE            the first trust root of tenant default (SingleNode__TrustRoot)
          --log-level L                trace, debug, information, warning (default), error, critical, none
          --otlp URL                   send traces, metrics and logs to this OpenTelemetry collector (OTEL_EXPORTER_OTLP_ENDPOINT)
          --policy-updates FILE        the tenants' update limits as YAML, read again when it changes (Policy__PolicyUpdates)
          --unsafe-time-scale SECONDS  how long a contract hour lasts, for demonstrations and tests only
          --cluster MODE               single (default) or adonet: one of the silos on the database of --connection-string; needs a program
                                       built with the engine Orleans (Cluster__Mode; docs/CLUSTER.md)
          --silo-port N                where silos listen for each other, default 11111; 0: any free port (Cluster__SiloPort)
          --gateway-port N             where a silo listens for clients of the cluster, default 30000; 0: any free port (Cluster__GatewayPort)
          --advertise ADDRESS          the address, or host name, at which the other silos reach this one; default: the smallest IPv4 one of the machine
                                       (Cluster__AdvertisedAddress)
          --dashboard true             Orleans' dashboard at /dashboard, for an admin key of the installation; needs the engine Orleans
                                       (Policy__Dashboard)
          --migrate-only               bring the schema of --connection-string's database up to date, and end
          --help, --version

        Settings may stand in appsettings.json of the working folder too: urls, Policy:Data, Policy:ConnectionString,
        SingleNode:Bundle, SingleNode:TrustRoot, SingleNode:Open (whether /decide and the other single-node calls that
        change nothing need no key: true, false; unset: from this machine they need none), Policy:UnsafeTimeScale, Policy:PolicyUpdates,
        Policy:DecisionLog:RetentionHours (168), Policy:DecisionLog:TenantMegabytesMax (1024), Policy:DecisionLog:NodeMegabytesMax
        (128), Policy:Webhooks:AllowedNetworks (none: networks that are not the world's, such as 10.1.0.0/16, to which webhooks may go
        all the same, over plain http too; separated by commas), Policy:Prometheus:Url with Policy:Prometheus:Queries:NAME and, where it asks for
        who is there, :BearerTokenFile, or :Username and :PasswordFile (a Prometheus server and the queries that criteria may name as prom:NAME;
        docs/ROLLOUTS.md), Policy:DrainSeconds (how long a process that was told to stop goes on answering while /readyz says that it stops: 0, 3 in a
        cluster), Policy:ConnectionsMax (connections to the database: 60, 30 in a cluster), Cluster:ServiceId and Cluster:ClusterId
        (orleans-policy), Cluster:DeathVotes (1), Logging:LogLevel:Default, OTEL_EXPORTER_OTLP_ENDPOINT and _PROTOCOL. The command line
        wins over the environment, that over the file.
        A fresh start writes the first admin key to <data>/admin.key, readable by its owner alone.
        Exit codes: 0 stopped as asked, 1 failed (a later start may succeed: the database was away, ...), 2 told wrongly.
        """;

    /// <summary>The version of this program.</summary>
    public static string Version =>
        typeof(Usage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
}
