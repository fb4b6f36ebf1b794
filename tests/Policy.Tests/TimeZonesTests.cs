namespace OrleansPolicy.Policy.Tests;

public sealed class TimeZonesTests
{
    [Theory]
    [InlineData("Europe/Berlin", true)]
    [InlineData("America/Argentina/Buenos_Aires", true)]
    [InlineData("Etc/GMT+5", true)]
    [InlineData("UTC", true)]
    [InlineData("", false)]
    [InlineData("Berlin", false)]
    [InlineData("Europe/Bielefeld", false)]
    [InlineData("/etc/localtime", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("../../etc/passwd", false)]
    [InlineData("W. Europe Standard Time", false)]
    public void A_zone_has_an_IANA_name(string name, bool found) => Assert.Equal(found, TimeZones.TryFind(name) is not null);

    [Fact]
    public void A_stored_zone_that_this_machine_does_not_know_is_said_to_be_missing() =>
        Assert.Contains("tzdata", Assert.Throws<InvalidOperationException>(() => TimeZones.Find("Europe/Bielefeld")).Message, StringComparison.Ordinal);
}
