namespace OrleansPolicy.Client.Cluster;

/// <summary>Which cluster, and how it is reached. From the section <c>PolicyCluster</c> of the configuration, in code, or both.</summary>
public sealed class PolicyClusterOptions
{
    /// <summary>The section of the configuration that they are read from.</summary>
    public const string Section = "PolicyCluster";

    /// <summary>
    /// The database of the silos, in which they say where their gateways are. The user needs to read <c>OrleansQuery</c> and
    /// <c>OrleansMembershipTable</c>, and nothing else.
    /// </summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>The silos' <c>Cluster:ServiceId</c>. Default <c>orleans-policy</c>.</summary>
    public string ServiceId { get; set; } = "orleans-policy";

    /// <summary>The silos' <c>Cluster:ClusterId</c>. Default <c>orleans-policy</c>.</summary>
    public string ClusterId { get; set; } = "orleans-policy";

    /// <summary>How long a call waits for its answer. Default 10 s; a silo gives up by itself after 5 s.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the application's start waits for a first silo. Default 1 min.</summary>
    public TimeSpan ConnectWithin { get; set; } = TimeSpan.FromMinutes(1);
}
