using System.Net;

namespace OrleansPolicy.Silo.Configuration;

/// <summary>Whether this process works alone or with others on one database, and how they reach each other.</summary>
public sealed record ClusterSettings
{
    /// <summary>Where silos listen for each other unless told otherwise.</summary>
    public const int DefaultSiloPort = 11111;

    /// <summary>Where a silo listens for applications that are clients of the cluster unless told otherwise.</summary>
    public const int DefaultGatewayPort = 30000;

    /// <summary>The name under which grain state and reminders are stored, and silos join, unless told otherwise.</summary>
    public const string DefaultName = "orleans-policy";

    /// <summary>Whether the process joins the others on its database (<c>Cluster:Mode=AdoNet</c>). Default: it works alone.</summary>
    public bool IsJoined { get; init; }

    /// <summary>
    /// The name under which grain state and reminders are stored. A database belongs to the first one that was used on it. Default
    /// <see cref="DefaultName"/>.
    /// </summary>
    public string ServiceId { get; init; } = DefaultName;

    /// <summary>The silos that are one cluster: those with the same name on the same database. Default <see cref="DefaultName"/>.</summary>
    public string ClusterId { get; init; } = DefaultName;

    /// <summary>The port for other silos; 0: any free one. Default <see cref="DefaultSiloPort"/>.</summary>
    public int SiloPort { get; init; } = DefaultSiloPort;

    /// <summary>The port for clients of the cluster; 0: any free one. Default <see cref="DefaultGatewayPort"/>.</summary>
    public int GatewayPort { get; init; } = DefaultGatewayPort;

    /// <summary>
    /// The address at which others reach this silo, and on which it listens for them; null: the smallest IPv4 address of this machine that is
    /// not its loopback.
    /// </summary>
    public IPAddress? AdvertisedAddress { get; init; }

    /// <summary>How many silos must miss one before it is declared dead. Default 1, which is for up to three silos: from four on set 2.</summary>
    public int DeathVotes { get; init; } = 1;
}
