namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class TenantTests(ControlPlane plane)
{
    [Fact]
    public async Task Default_is_there_from_the_start() =>
        Assert.Contains("default", (await plane.Admin.GetAsync("/v1/tenants")).Expect(200)["tenants"].EnumerateArray().Select(tenant => tenant.GetString()));

    [Fact]
    public async Task A_tenant_is_made_once()
    {
        (await plane.Admin.PutAsync("/v1/made-once", new { })).Expect(201);
        (await plane.Admin.PutAsync("/v1/made-once", new { })).Expect(200);

        var audit = (await plane.Admin.GetAsync("/v1/made-once/audit")).Expect(200);
        Assert.Equal(["tenant.created"], audit["entries"].EnumerateArray().Select(entry => entry.GetProperty("action").GetString()));
    }

    [Theory]
    [InlineData("Upper")]
    [InlineData("tenants")]
    [InlineData("with%20space")]
    [InlineData("-dash")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public async Task A_name_that_does_not_fit_is_refused(string name) =>
        (await plane.Admin.PutAsync($"/v1/{name}", new { })).ExpectProblem(400, "name.invalid");

    [Fact]
    public async Task Only_the_installation_learns_that_a_tenant_is_unknown()
    {
        var operatorKey = await (await plane.NewTenantAsync()).WithRoleAsync("operator");

        (await plane.Admin.GetAsync("/v1/nobody/fleets")).ExpectProblem(404, "tenant.unknown");
        (await operatorKey.Api.GetAsync("/v1/nobody/fleets")).ExpectProblem(403, "auth.tenant");
        (await operatorKey.Api.GetAsync("/v1/default/fleets")).ExpectProblem(403, "auth.tenant");
    }
}
