namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class TrustTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();
    private readonly TestBundles _others = new();

    public void Dispose()
    {
        _bundles.Dispose();
        _others.Dispose();
    }

    [Fact]
    public async Task The_first_root_is_set_and_the_same_again_is_fine()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.GetAsync("/trust")).ExpectProblem(404, "trust.unknown");

        (await tenant.Admin.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await tenant.Admin.PutAsync("/trust", _bundles.RootJson)).Expect(200);

        Assert.Equal(1, (await tenant.Admin.GetAsync("/trust")).Expect(200)["version"].GetInt32());
        Assert.Equal(TestBundles.KeyId, (await tenant.Admin.GetAsync("/trust/1")).Expect(200)["keys"][0].GetProperty("key_id").GetString());
        (await tenant.Admin.GetAsync("/trust/2")).ExpectProblem(404, "trust.unknown");
    }

    [Fact]
    public async Task Another_root_without_the_signatures_of_the_first_is_locked_out()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);

        (await tenant.Admin.PutAsync("/trust", _others.RootJson)).ExpectProblem(409, "trust.locked");
    }

    [Fact]
    public async Task A_root_that_is_none_is_refused()
    {
        var tenant = await plane.NewTenantAsync();

        (await tenant.Admin.PutAsync("/trust", new { })).ExpectProblem(400, "request.invalid");
        (await tenant.Admin.PutAsync("/trust", new { keys = Array.Empty<int>(), threshold = 1 })).Expect(400);
        (await tenant.Admin.PutAsync("/trust", new { keys = new[] { new { key_id = "k", algorithm = "none", public_key_pem = "x" } }, threshold = 1 })).Expect(400);
    }
}
