using Npgsql;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class KeyTests(PostgresServer server, ControlPlane plane)
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

    [Fact]
    public async Task A_key_of_the_installation_works_in_every_tenant_until_it_is_revoked()
    {
        var tenant = await plane.NewTenantAsync();
        var request = new { name = "n", subject = "alice", role = "admin" };

        var made = (await plane.Admin.PostAsync("/v1/keys", request, ("Idempotency-Key", tenant.Name))).Expect(201);

        var id = made["id"].GetString()!;
        plane.ForgetOperations();
        var again = (await plane.Admin.PostAsync("/v1/keys", request, ("Idempotency-Key", tenant.Name))).Expect(201);
        Assert.Equal((id, false), (again["id"].GetString(), again.Json.TryGetProperty("key", out _)));
        using var alice = new ApiClient(plane.Address, made["key"].GetString());
        (await alice.GetAsync($"/v1/{tenant.Name}/fleets")).Expect(200);
        (await alice.GetAsync("/v1/tenants")).Expect(200);
        var listed = (await alice.GetAsync("/v1/keys")).Expect(200);
        Assert.Equal("alice admin", listed["keys"].EnumerateArray().Where(key => key.GetProperty("id").GetString() == id)
            .Select(key => $"{key.GetProperty("subject").GetString()} {key.GetProperty("role").GetString()}").Single());
        Assert.DoesNotContain(made["key"].GetString()!, listed.Text, StringComparison.Ordinal);

        (await plane.Admin.DeleteAsync("/v1/keys/" + id)).Expect(200);

        (await alice.GetAsync("/v1/tenants")).ExpectProblem(401, "auth.invalid");
        (await plane.Admin.DeleteAsync("/v1/keys/" + id)).ExpectProblem(404, "key.unknown");
        var audit = (await plane.Admin.GetAsync("/v1/default/audit?subject=keys/" + id)).Expect(200);
        Assert.Equal(
            ["key.revoked admin installation", "key.created admin installation"],
            audit["entries"].EnumerateArray().Select(entry =>
                $"{entry.GetProperty("action").GetString()} {entry.GetProperty("actor").GetString()} {entry.GetProperty("detail").GetProperty("scope").GetString()}"));
    }

    [Fact]
    public async Task Keys_of_the_installation_are_its_admins_business_alone()
    {
        var tenant = await plane.NewTenantAsync();
        var admin = await tenant.WithRoleAsync("admin");

        (await admin.Api.PostAsync("/v1/keys", new { name = "n", subject = "s", role = "admin" })).ExpectProblem(403, "auth.role");
        (await admin.Api.GetAsync("/v1/keys")).ExpectProblem(403, "auth.role");
        (await admin.Api.DeleteAsync("/v1/keys/none")).ExpectProblem(403, "auth.role");
        (await plane.Admin.DeleteAsync("/v1/keys/" + admin.KeyId)).ExpectProblem(404, "key.unknown");
        (await plane.Admin.PutAsync("/v1/keys", new { })).ExpectProblem(400, "name.invalid");
    }

    [Theory]
    [InlineData("""{"name":"n","subject":"s","role":"viewer"}""", "key.invalid", "$.role")]
    [InlineData("""{"name":"n","subject":"s","role":"node","fleet":"edge","node":"n1"}""", "key.invalid", "$.role")]
    [InlineData("""{"name":"n","subject":"s"}""", "key.invalid", "$.role")]
    [InlineData("""{"name":"n","subject":"s","role":"admin","fleet":"edge"}""", "key.fleet", "$.fleet")]
    [InlineData("""{"name":"n","subject":"s","role":"admin","node":"n1"}""", "key.node", "$.node")]
    public async Task A_key_of_the_installation_is_an_admins(string body, string code, string path)
    {
        var refused = (await plane.Admin.PostAsync("/v1/keys?tenant=default", body)).ExpectProblem(400, code);

        Assert.Equal(path, refused["errors"][0].GetProperty("path").GetString());
    }

    [Fact]
    public async Task The_first_admin_key_is_replaced_and_one_that_works_always_stays()
    {
        using var folder = new TemporaryFolder();
        var settings = new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = folder.Path, ConnectionString = await server.CreateDatabaseAsync() };
        var first = "";
        await using (var host = await PolicyHost.StartAsync(settings))
        {
            var address = new Uri(host.Addresses.Single());
            first = (await File.ReadAllTextAsync(folder["admin.key"])).Trim();
            using var admin = new ApiClient(address, first);
            var firstId = (await admin.GetAsync("/v1/keys")).Expect(200)["keys"][0].GetProperty("id").GetString();
            (await admin.DeleteAsync("/v1/keys/" + firstId)).ExpectProblem(409, "key.last");
            var (aliceId, aliceKey) = await MakeAsync(admin, "alice");
            var (bobId, bobKey) = await MakeAsync(admin, "bob");
            using var alice = new ApiClient(address, aliceKey);
            using var bob = new ApiClient(address, bobKey);

            (await alice.DeleteAsync("/v1/keys/" + firstId)).Expect(200);
            (await admin.GetAsync("/v1/tenants")).ExpectProblem(401, "auth.invalid");
            var each = await Task.WhenAll(alice.DeleteAsync("/v1/keys/" + bobId), bob.DeleteAsync("/v1/keys/" + aliceId));

            // Who comes second finds the own key gone before the request, or the other's to be the last one.
            Assert.Single(each, answer => answer.Status == 200);
            Assert.Single(each, answer => answer.Status is 401 or 409);
            using var left = new ApiClient(address, each[0].Status == 200 ? aliceKey : bobKey);
            (await left.GetAsync("/v1/tenants")).Expect(200);
        }

        // The last resort: none works any more, so the next start makes another first one.
        await using (var database = NpgsqlDataSource.Create(settings.ConnectionString))
        await using (var command = database.CreateCommand("UPDATE api_key SET expires_at = now() - interval '1 minute' WHERE tenant IS NULL"))
        {
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        await using var after = await PolicyHost.StartAsync(settings);
        var second = (await File.ReadAllTextAsync(folder["admin.key"])).Trim();
        Assert.NotEqual(first, second);
        using var anew = new ApiClient(new Uri(after.Addresses.Single()), second);
        (await anew.GetAsync("/v1/tenants")).Expect(200);
    }

    private static async Task<(string Id, string Key)> MakeAsync(ApiClient admin, string subject)
    {
        var made = (await admin.PostAsync("/v1/keys", new { name = subject, subject, role = "admin" })).Expect(201);
        return (made["id"].GetString()!, made["key"].GetString()!);
    }
}
