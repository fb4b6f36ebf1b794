namespace OrleansPolicy.Policy.Tests;

public sealed class NamesTests
{
    [Theory]
    [InlineData("default")]
    [InlineData("a")]
    [InlineData("0.gateway_eu-1")]
    public void A_name_is_taken(string name) => Assert.Null(Names.Check(name, "A node"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Upper")]
    [InlineData("-first")]
    [InlineData("a/b")]
    [InlineData("a\n")]
    [InlineData("tenants")]
    [InlineData("keys")]
    [InlineData("arm")]
    [InlineData("disarm")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void What_does_not_fit_is_refused_with_its_place(string? name)
    {
        var problem = Names.Check(name, "A node", "$.node");
        Assert.Equal((Names.InvalidCode, "$.node"), (problem?.Code, problem?.Path));
    }
}
