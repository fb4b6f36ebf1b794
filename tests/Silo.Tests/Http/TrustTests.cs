using OrleansPolicy.Bundles;

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
    public async Task A_root_that_no_longer_verifies_what_fleets_are_assigned_lists_them_before_it_is_accepted()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 1);
        await tenant.FleetAsync("spare");
        var next = _bundles.NextRootJson(TrustKeyState.Compromised, _others);

        var refused = (await tenant.Admin.PutAsync("/trust", next)).ExpectProblem(409, "trust.affects_fleets");

        Assert.Equal(["trust.affects_fleets"], refused.ErrorCodes);
        Assert.Contains("edge", refused["errors"][0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains(baseline, refused["errors"][0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, (await tenant.Admin.GetAsync("/trust"))["version"].GetInt32());
        Assert.Equal(2, (await tenant.Admin.PutAsync("/trust?accept_affected=true", next)).Expect(200)["version"].GetInt32());
        (await tenant.Admin.PutAsync("/trust", next)).Expect(200);
    }

    [Fact]
    public async Task A_key_that_is_only_retired_affects_no_fleet()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles, nodes: 1);

        (await tenant.Admin.PutAsync("/trust", _bundles.NextRootJson(TrustKeyState.Retired, _others))).Expect(200);
    }

    [Fact]
    public async Task A_root_that_is_none_is_refused()
    {
        var tenant = await plane.NewTenantAsync();

        (await tenant.Admin.PutAsync("/trust", new { })).ExpectProblem(400, "request.invalid");
        (await tenant.Admin.PutAsync("/trust", new { keys = Array.Empty<int>(), threshold = 1 })).Expect(400);
        (await tenant.Admin.PutAsync("/trust", """{"keys":[null],"threshold":1}""")).ExpectProblem(400, "trust.keys");
        (await tenant.Admin.PutAsync("/trust", new { keys = new[] { new { key_id = "k", algorithm = "none", public_key_pem = "x" } }, threshold = 1 })).Expect(400);
    }
}
