using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace OrleansPolicy.Silo.Configuration;

/// <summary>Reads and checks what concerns the cluster.</summary>
internal static class ClusterSettingsReader
{
    private const string Code = "config.cluster";
    private const int NameLengthMax = 100;
    private const int DeathVotesMax = 10;

    /// <summary>The engine that this program was built with: <c>Orleans</c> or <c>Embedded</c>.</summary>
    public static string Engine { get; } = typeof(ClusterSettingsReader).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Engine").Value!;

    /// <summary>The settings. Throws <see cref="ConfigurationFailureException"/>.</summary>
    public static ClusterSettings Read(IConfiguration configuration, string? connectionString, string? bundleFile)
    {
        var settings = new ClusterSettings
        {
            IsJoined = ReadMode(configuration[SettingKeys.ClusterMode]),
            ServiceId = ReadName(SettingKeys.ServiceId),
            ClusterId = ReadName(SettingKeys.ClusterId),
            SiloPort = ReadNumber(SettingKeys.SiloPort, ClusterSettings.DefaultSiloPort, 0, IPEndPoint.MaxPort),
            GatewayPort = ReadNumber(SettingKeys.GatewayPort, ClusterSettings.DefaultGatewayPort, 0, IPEndPoint.MaxPort),
            AdvertisedAddress = ReadAddress(configuration[SettingKeys.AdvertisedAddress]),
            DeathVotes = ReadNumber(SettingKeys.DeathVotes, 1, 1, DeathVotesMax),
        };
        return !settings.IsJoined ? settings : Check(settings, connectionString, bundleFile, Engine);

        string ReadName(string key) => configuration[key] switch
        {
            null or "" => ClusterSettings.DefaultName,
            { Length: <= NameLengthMax } name when !name.Any(char.IsControl) => name,
            _ => throw new ConfigurationFailureException(Code, $"{key} is a name of at most {NameLengthMax} characters."),
        };

        int ReadNumber(string key, int otherwise, int min, int max) => configuration[key] is not { Length: > 0 } text ? otherwise
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number
            : throw new ConfigurationFailureException(Code, $"{key} is {min} to {max}, not '{text}'.");
    }

    /// <summary>Whether a cluster can be joined so, by a program built with an engine.</summary>
    public static ClusterSettings Check(ClusterSettings settings, string? connectionString, string? bundleFile, string engine) =>
        engine != "Orleans"
            ? throw new ConfigurationFailureException(
                "cluster.engine", $"This program was built with the engine {engine}, which is one process: for a cluster build it with -p:Engine=Orleans. Its database serves both.")
        : connectionString is null
            ? throw new ConfigurationFailureException("cluster.no_database", "A cluster needs the database that its silos share: give --connection-string.")
        : bundleFile is not null
            ? throw new ConfigurationFailureException("cluster.bundle", "A cluster has no node local, so --bundle has nobody to run it: publish the bundle, or work alone.")
        : settings.SiloPort != 0 && settings.SiloPort == settings.GatewayPort
            ? throw new ConfigurationFailureException(Code, $"Silos and clients of the cluster cannot share port {settings.SiloPort}.")
        : settings;

    private static bool ReadMode(string? text) => text switch
    {
        null or "" => false,
        _ when text.Equals("Single", StringComparison.OrdinalIgnoreCase) => false,
        _ when text.Equals("AdoNet", StringComparison.OrdinalIgnoreCase) => true,
        _ => throw new ConfigurationFailureException(Code, $"{SettingKeys.ClusterMode} is Single or AdoNet, not '{text}'."),
    };

    // A name is looked up once, at the start: a machine that moves is started anew.
    private static IPAddress? ReadAddress(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            var found = IPAddress.TryParse(text, out var address) ? [address] : Dns.GetHostAddresses(text);
            return found.OrderBy(candidate => candidate.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
                    .FirstOrDefault(candidate => !candidate.Equals(IPAddress.Any) && !candidate.Equals(IPAddress.IPv6Any))
                ?? throw new ConfigurationFailureException(Code, $"{SettingKeys.AdvertisedAddress} is one address at which others reach this silo, not '{text}'.");
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new ConfigurationFailureException(Code, $"{SettingKeys.AdvertisedAddress} '{text}' is no address, and no host of that name is known: {exception.Message}", exception);
        }
    }
}
