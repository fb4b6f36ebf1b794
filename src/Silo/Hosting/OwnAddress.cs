using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using OrleansPolicy.Silo.Configuration;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>
/// The address at which others reach a silo. Where none is set and none is found the engine would take 127.0.0.1, and silos on several
/// machines would each find themselves there and declare the others dead: such a start is refused.
/// </summary>
internal static class OwnAddress
{
    /// <summary>The one that is set, 127.0.0.1 too, else one of this machine's. Throws <see cref="ConfigurationFailureException"/>.</summary>
    public static IPAddress Of(ClusterSettings cluster) => Of(cluster, ReadOwn);

    /// <summary>The same of a machine with other addresses.</summary>
    internal static IPAddress Of(ClusterSettings cluster, Func<IEnumerable<IPAddress>> readOwn)
    {
        if (cluster.AdvertisedAddress is { } set)
        {
            return set;
        }

        try
        {
            // The smallest, as the engine would choose: the same one at each start.
            return readOwn()
                    .Where(address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))
                    .MinBy(address => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes()))
                ?? throw Refuse("this machine has no IPv4 address but its loopback", cause: null);
        }
        catch (Exception exception) when (exception is NetworkInformationException or IOException or UnauthorizedAccessException)
        {
            throw Refuse($"this machine's own cannot be read ({exception.Message})", exception);
        }
    }

    private static IEnumerable<IPAddress> ReadOwn() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(network => network.OperationalStatus == OperationalStatus.Up)
        .SelectMany(network => network.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address);

    private static ConfigurationFailureException Refuse(string why, Exception? cause) => new(
        "config.cluster", $"No address is known at which others reach this silo: {SettingKeys.AdvertisedAddress} is not set, and {why}.", cause);
}
