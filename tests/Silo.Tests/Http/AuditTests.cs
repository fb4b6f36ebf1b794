namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class AuditTests(ControlPlane plane)
{
    [Fact]
    public async Task The_chain_is_read_in_pages_and_holds()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 2);
        await tenant.WithRoleAsync("viewer");

        var first = (await tenant.Admin.GetAsync("/audit?limit=2")).Expect(200);
        var rest = (await tenant.Admin.GetAsync("/audit?after=2&limit=1000")).Expect(200);
        var verified = (await tenant.Admin.GetAsync("/audit/verify")).Expect(200);

        Assert.Equal([1, 2], first["entries"].EnumerateArray().Select(entry => entry.GetProperty("seq").GetInt64()));
        Assert.Equal(3, rest["entries"][0].GetProperty("seq").GetInt64());
        Assert.Equal(first["entries"][1].GetProperty("hash").GetString(), rest["entries"][0].GetProperty("prev_hash").GetString());
        Assert.True(verified["valid"].GetBoolean(), verified.Text);
        Assert.Equal(rest["entries"].GetArrayLength() + 2, verified["entries"].GetInt64());
        Assert.Equal(rest["head"].GetProperty("hash").GetString(), verified["head"].GetProperty("hash").GetString());
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("after=-1")]
    [InlineData("after=x")]
    [InlineData("limit=99999999999")]
    public async Task A_page_that_is_none_is_refused(string query) => (await plane.Admin.GetAsync("/v1/default/audit?" + query)).Expect(400);
}
