using System.Net;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Policy.Tests.Webhooks;

public sealed class PublicNetworksTests
{
    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("223.255.255.254")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("2606:4700:4700::1111")]
    public void These_are_the_worlds(string address) => Assert.True(PublicNetworks.Include(IPAddress.Parse(address)));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.100.100.200")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("192.0.2.1")]
    [InlineData("198.19.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1%2")]
    [InlineData("ff02::1")]
    public void These_are_somebodys_own(string address) => Assert.False(PublicNetworks.Include(IPAddress.Parse(address)));

    [Fact]
    public void A_network_holds_an_address_however_that_is_written()
    {
        Assert.True(PublicNetworks.IsIn(IPAddress.Parse("::ffff:10.1.2.3"), [IPNetwork.Parse("10.1.0.0/16")]));
        Assert.False(PublicNetworks.IsIn(IPAddress.Parse("10.2.0.1"), [IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("fd00::/8")]));
        Assert.False(PublicNetworks.IsIn(IPAddress.Loopback, []));
    }
}
