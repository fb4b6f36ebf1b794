using OrleansPolicy.Silo.DecisionLogs;
using OrleansPolicy.Silo.Prometheus;
using OrleansPolicy.Silo.Webhooks;

namespace OrleansPolicy.Silo.Configuration;

/// <summary>How this process runs. Valid once made: <see cref="SettingsReader"/> refuses everything else.</summary>
public sealed record SiloSettings
{
    /// <summary>Where it listens unless told otherwise: this machine only.</summary>
    public const string DefaultUrls = "http://127.0.0.1:8080";

    /// <summary>The data folder unless told otherwise.</summary>
    public const string DefaultData = ".data";

    /// <summary>How long a contract hour lasts unless told otherwise.</summary>
    public const double RealHourSeconds = 3600;

    /// <summary>The addresses, separated by semicolons. Default <see cref="DefaultUrls"/>.</summary>
    public string Urls { get; init; } = DefaultUrls;

    /// <summary>The full path of the data folder.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The PostgreSQL to use; null: the process starts a private one in the data folder.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>The lowest level that is logged. Default: warning.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Warning;

    /// <summary>Whether Orleans' dashboard is at <c>/dashboard</c>. It costs: off by default.</summary>
    public bool Dashboard { get; init; }

    /// <summary>Where traces, metrics and logs are sent; null: nowhere, and then they cost nothing.</summary>
    public OtlpSettings? Otlp { get; init; }

    /// <summary>The full path of a YAML file with the tenants' update limits; null: they are set over HTTP alone.</summary>
    public string? PolicyUpdatesFile { get; init; }

    /// <summary>How many seconds a contract hour lasts. Anything but 3600 is for demonstrations and tests.</summary>
    public double HourSeconds { get; init; } = RealHourSeconds;

    /// <summary>The full path of the bundle file that node <c>local</c> runs while fleet <c>default</c> has no baseline; null: none.</summary>
    public string? BundleFile { get; init; }

    /// <summary>The full path of the trust root that tenant <c>default</c> begins with; null: it is set over the API.</summary>
    public string? TrustRootFile { get; init; }

    /// <summary>
    /// Who may make the single-node calls that change nothing without a key: everybody (true), nobody (false), whoever is on this machine
    /// (null, the default).
    /// </summary>
    public bool? SingleNodeOpen { get; init; }

    /// <summary>Whether it works alone or with others.</summary>
    public ClusterSettings Cluster { get; init; } = new();

    /// <summary>
    /// How long a process that was told to stop goes on answering while <c>/readyz</c> says that it stops, so that whoever balances load
    /// has looked before the door closes. Default: none alone, 3 s in a cluster.
    /// </summary>
    public TimeSpan Drain { get; init; }

    /// <summary>
    /// Connections to the database at most, of which grains use a third. Default: 60 alone, 30 in a cluster, so that three silos fit the 100
    /// that a PostgreSQL takes by default.
    /// </summary>
    public int ConnectionsMax { get; init; } = 60;

    /// <summary>The one folder from which a reload may name a file.</summary>
    public string BundlesFolder => Path.Combine(DataFolder, "bundles");

    /// <summary>How long and how much of decision logs is kept.</summary>
    public DecisionLogLimits DecisionLog { get; init; } = new();

    /// <summary>How webhooks are sent.</summary>
    public WebhookSettings Webhooks { get; init; } = new();

    /// <summary>The Prometheus server whose numbers criteria may name; null: none.</summary>
    public PrometheusSettings? Prometheus { get; init; }

    /// <summary>The file with the first admin key.</summary>
    public string AdminKeyFile => Path.Combine(DataFolder, "admin.key");
}
