using System.Net;
using System.Net.NetworkInformation;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;

namespace OrleansPolicy.Silo.Tests.Hosting;

public sealed class OwnAddressTests
{
    private static readonly ClusterSettings Joined = new() { IsJoined = true };

    [Fact]
    public void A_silo_without_an_address_takes_the_smallest_that_others_reach() =>
        Assert.Equal(IPAddress.Parse("9.255.0.1"), OwnAddress.Of(Joined, () => Own("127.0.0.1", "::1", "172.17.0.1", "9.255.0.1", "10.0.0.2", "fd00::1")));

    [Theory]
    [InlineData("::1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1", "127.0.1.1", "::1", "fd00::1")]
    public void A_machine_with_no_address_but_its_loopback_has_to_be_given_one(params string[] own)
    {
        var refused = Assert.Throws<ConfigurationFailureException>(() => OwnAddress.Of(Joined, () => Own(own)));

        Assert.Equal("config.cluster", refused.Code);
        Assert.Contains(SettingKeys.AdvertisedAddress, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void So_has_one_whose_addresses_a_sandbox_hides() =>
        Assert.Equal("config.cluster", Assert.Throws<ConfigurationFailureException>(() => OwnAddress.Of(Joined, () => throw new NetworkInformationException())).Code);

    [Fact]
    public void An_address_that_is_set_is_taken_though_it_is_the_loopback() =>
        Assert.Equal(IPAddress.Loopback, OwnAddress.Of(Joined with { AdvertisedAddress = IPAddress.Loopback }, () => throw new NetworkInformationException()));

    private static IEnumerable<IPAddress> Own(params string[] addresses) => addresses.Select(IPAddress.Parse);
}
