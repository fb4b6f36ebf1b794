namespace OrleansPolicy.Silo.Configuration;

/// <summary>The names of settings in <c>appsettings.json</c> and, with <c>__</c> for <c>:</c>, in the environment.</summary>
public static class SettingKeys
{
    /// <summary>The addresses to listen on, separated by semicolons; <c>ASPNETCORE_URLS</c> sets it too.</summary>
    public const string Urls = "urls";

    /// <summary>The data folder; <c>POLICY_DATA</c> sets it too.</summary>
    public const string Data = "Policy:Data";

    /// <summary>The PostgreSQL to use instead of a private one.</summary>
    public const string ConnectionString = "Policy:ConnectionString";

    /// <summary>The lowest level that is logged.</summary>
    public const string LogLevel = "Logging:LogLevel:Default";

    /// <summary>How many seconds a contract hour lasts, where not 3600.</summary>
    public const string UnsafeTimeScale = "Policy:UnsafeTimeScale";

    /// <summary>The bundle file of node <c>local</c>.</summary>
    public const string BundleFile = "SingleNode:Bundle";

    /// <summary>The trust root that tenant <c>default</c> begins with.</summary>
    public const string TrustRootFile = "SingleNode:TrustRoot";

    /// <summary>Whether the single-node calls that change nothing need no key; unset: on this machine.</summary>
    public const string SingleNodeOpen = "SingleNode:Open";

    /// <summary>How many hours records of decisions are kept.</summary>
    public const string DecisionLogRetention = "Policy:DecisionLog:RetentionHours";

    /// <summary>How many MiB one tenant's records may take.</summary>
    public const string DecisionLogTenant = "Policy:DecisionLog:TenantMegabytesMax";

    /// <summary>How many MiB of that one node may take.</summary>
    public const string DecisionLogNode = "Policy:DecisionLog:NodeMegabytesMax";

    /// <summary>Networks that are not the world's and to which webhooks may go all the same, separated by commas.</summary>
    public const string WebhookNetworks = "Policy:Webhooks:AllowedNetworks";

    /// <summary>The address of the Prometheus server whose numbers criteria may name; the queries are <c>Policy:Prometheus:Queries:NAME</c>.</summary>
    public const string PrometheusUrl = "Policy:Prometheus:Url";

    /// <summary>A file with the token to show it.</summary>
    public const string PrometheusTokenFile = "Policy:Prometheus:BearerTokenFile";

    /// <summary>The user to show it instead.</summary>
    public const string PrometheusUsername = "Policy:Prometheus:Username";

    /// <summary>A file with that user's password.</summary>
    public const string PrometheusPasswordFile = "Policy:Prometheus:PasswordFile";

    /// <summary>A YAML file with the tenants' update limits.</summary>
    public const string PolicyUpdates = "Policy:PolicyUpdates";

    /// <summary><c>Single</c> or <c>AdoNet</c>: alone, or with the other silos on the same database.</summary>
    public const string ClusterMode = "Cluster:Mode";

    /// <summary>The name under which grain state and reminders are stored.</summary>
    public const string ServiceId = "Cluster:ServiceId";

    /// <summary>The name that the silos of one cluster share.</summary>
    public const string ClusterId = "Cluster:ClusterId";

    /// <summary>The port for other silos.</summary>
    public const string SiloPort = "Cluster:SiloPort";

    /// <summary>The port for clients of the cluster.</summary>
    public const string GatewayPort = "Cluster:GatewayPort";

    /// <summary>The address at which others reach this silo.</summary>
    public const string AdvertisedAddress = "Cluster:AdvertisedAddress";

    /// <summary>How many silos must miss one before it is declared dead.</summary>
    public const string DeathVotes = "Cluster:DeathVotes";

    /// <summary>How many seconds a process that was told to stop goes on answering.</summary>
    public const string DrainSeconds = "Policy:DrainSeconds";

    /// <summary>How many connections to the database the process uses at most.</summary>
    public const string ConnectionsMax = "Policy:ConnectionsMax";

    /// <summary>Where traces, metrics and logs are sent; the name is OpenTelemetry's, as are those of everything else about it.</summary>
    public const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>How they are sent: <c>http/protobuf</c> or <c>grpc</c>.</summary>
    public const string OtlpProtocol = "OTEL_EXPORTER_OTLP_PROTOCOL";

    /// <summary>Whether Orleans' dashboard is at <c>/dashboard</c>.</summary>
    public const string Dashboard = "Policy:Dashboard";

    /// <summary>The environment variable for <see cref="Data"/>.</summary>
    public const string DataVariable = "POLICY_DATA";
}
