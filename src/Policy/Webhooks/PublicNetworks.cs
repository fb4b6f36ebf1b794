using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Webhooks;

/// <summary>
/// Which addresses are the world's. All others (this machine, its link, private networks, what is reserved or wraps another address) are
/// somebody's own, and a tenant that could have them called would see what it must not.
/// </summary>
public static class PublicNetworks
{
    // IANA's registries of special-purpose addresses, and 168.63.129.16, at which Azure's machines reach their own platform. Of IPv6 only
    // 2000::/3 is given out at all.
    private static readonly ImmutableArray<IPNetwork> NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        }.Select(IPNetwork.Parse),
    ];

    private static readonly IPNetwork GivenOut = IPNetwork.Parse("2000::/3");

    /// <summary>Whether an address is the world's. An IPv4 address that is written as IPv6 is an IPv4 address.</summary>
    public static bool Include(IPAddress address)
    {
        var plain = Plain(address);
        return (plain.AddressFamily == AddressFamily.InterNetwork || GivenOut.Contains(plain)) && !NotPublic.Any(network => network.Contains(plain));
    }

    /// <summary>Whether an address is in one of some networks.</summary>
    public static bool IsIn(IPAddress address, ImmutableArray<IPNetwork> networks)
    {
        var plain = Plain(address);
        return networks.Any(network => network.Contains(plain));
    }

    private static IPAddress Plain(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
