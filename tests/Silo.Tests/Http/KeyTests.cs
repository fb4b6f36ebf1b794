namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class KeyTests(ControlPlane plane)
{
    [Fact]
    public async Task A_key_is_shown_once_and_works()
    {
        var tenant = await plane.NewTenantAsync();

        var made = (await tenant.Admin.PostAsync("/keys", new { name = "n", subject = "s", role = "viewer" })).Expect(201);

        using var viewer = new ApiClient(plane.Address, made["key"].GetString());
        (await viewer.GetAsync($"/v1/{tenant.Name}/fleets")).Expect(200);
        var listed = (await tenant.Admin.GetAsync("/keys")).Expect(200);
        Assert.Equal(made["id"].GetString(), listed["keys"][0].GetProperty("id").GetString());
        Assert.DoesNotContain(made["key"].GetString()!, listed.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(made["key"].GetString()!, (await tenant.Admin.GetAsync("/audit")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_makes_all_keys_or_none()
    {
        var tenant = await plane.NewTenantAsync();
        object Node(string name) => new { name, subject = name, role = "node", fleet = "edge", node = name };

        var made = (await tenant.Admin.PostAsync("/keys:batch", new[] { Node("n1"), Node("n2") })).Expect(201);
        var refused = (await tenant.Admin.PostAsync("/keys:batch", new[] { Node("n3"), Node("N 4") })).ExpectProblem(400, "name.invalid");

        Assert.Equal(["n1", "n2"], made["keys"].EnumerateArray().Select(key => key.GetProperty("node").GetString()));
        Assert.Equal("$[1].node", refused["errors"][0].GetProperty("path").GetString());
        Assert.Equal(2, (await tenant.Admin.GetAsync("/keys"))["keys"].GetArrayLength());
    }

    [Fact]
    public async Task All_that_is_wrong_with_a_key_is_told_at_once()
    {
        var tenant = await plane.NewTenantAsync();

        var refused = await tenant.Admin.PostAsync("/keys", new { role = "node", expires_at = "2020-01-01T00:00:00Z" });

        Assert.Equal(["key.invalid", "key.invalid", "key.fleet", "key.node", "key.invalid"], refused.ExpectProblem(400, "key.invalid").ErrorCodes);
        (await tenant.Admin.PostAsync("/keys", new { name = "n", subject = "s", role = "emperor" })).ExpectProblem(400, "key.invalid");
        (await tenant.Admin.PostAsync("/keys", new { name = "n", subject = "s", role = "6" })).ExpectProblem(400, "key.invalid");
        (await tenant.Admin.PostAsync("/keys", new { name = "n", subject = "s", role = "viewer", fleet = "edge" })).ExpectProblem(400, "key.fleet");
    }

    [Fact]
    public async Task A_revoked_key_works_no_more()
    {
        var tenant = await plane.NewTenantAsync();
        var viewer = await tenant.WithRoleAsync("viewer");
        (await viewer.GetAsync("/fleets")).Expect(200);

        (await tenant.Admin.DeleteAsync($"/keys/{viewer.KeyId}")).Expect(200);

        (await viewer.GetAsync("/fleets")).ExpectProblem(401, "auth.invalid");
        (await tenant.Admin.DeleteAsync($"/keys/{viewer.KeyId}")).ExpectProblem(404, "key.unknown");
        (await tenant.Admin.DeleteAsync("/keys/nothing")).ExpectProblem(404, "key.unknown");
    }

    [Fact]
    public async Task A_key_expires()
    {
        var tenant = await plane.NewTenantAsync();
        var made = (await tenant.Admin.PostAsync("/keys", new { name = "n", subject = "s", role = "viewer", expires_at = DateTimeOffset.UtcNow.AddSeconds(12) })).Expect(201);
        using var viewer = new ApiClient(plane.Address, made["key"].GetString());
        (await viewer.GetAsync($"/v1/{tenant.Name}/fleets")).Expect(200);

        await Eventually.BecomesAsync(async () => (await viewer.GetAsync($"/v1/{tenant.Name}/fleets")).Status, 401);
    }

    [Fact]
    public async Task A_revoked_key_of_another_tenant_stays()
    {
        var viewer = await (await plane.NewTenantAsync()).WithRoleAsync("viewer");

        (await (await plane.NewTenantAsync()).Admin.DeleteAsync($"/keys/{viewer.KeyId}")).ExpectProblem(404, "key.unknown");

        (await viewer.GetAsync("/fleets")).Expect(200);
    }
}
