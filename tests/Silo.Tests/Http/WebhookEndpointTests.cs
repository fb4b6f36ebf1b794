namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class WebhookEndpointTests(ControlPlane plane)
{
    private static readonly string[] Arms = ["arm.*"];
    private static readonly string[] NoEvents = ["no spaces"];

    [Fact]
    public async Task The_secret_is_shown_once_and_is_nowhere_else()
    {
        var tenant = await plane.NewTenantAsync();
        var asked = new { url = "https://192.0.2.1/hooks/in-the-path", description = "chat" };
        var made = (await tenant.Admin.PostAsync("/webhooks", asked, ("Idempotency-Key", "w-1"))).Expect(201);
        var (id, secret) = (made["webhook_id"].GetString()!, made["secret"].GetString()!);
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        Assert.Equal($"/v1/{tenant.Name}/webhooks/{id}", made.Headers["Location"]);
        plane.ForgetOperations();
        var repeated = (await tenant.Admin.PostAsync("/webhooks", asked, ("Idempotency-Key", "w-1"))).Expect(201);
        Assert.Equal(id, repeated["webhook_id"].GetString());

        var renewed = (await tenant.Admin.PostAsync($"/webhooks/{id}/secret", null)).Expect(200)["secret"].GetString()!;
        Assert.NotEqual(secret, renewed);
        (await tenant.Admin.PutAsync($"/webhooks/{id}", new { url = "https://192.0.2.2/elsewhere", events = Arms })).Expect(200);

        string[] shown =
        [
            repeated.Text, (await tenant.Admin.GetAsync("/webhooks")).Text, (await tenant.Admin.GetAsync($"/webhooks/{id}")).Text,
            (await tenant.Admin.GetAsync("/audit?newest=true")).Text,
        ];
        Assert.All(shown, text => Assert.DoesNotContain("whsec_", text, StringComparison.Ordinal));
        Assert.DoesNotContain("in-the-path", shown[^1], StringComparison.Ordinal);
        Assert.Contains("192.0.2.2", shown[^1], StringComparison.Ordinal);
        Assert.Equal(
            ["webhook.changed", "webhook.secret_replaced", "webhook.created"],
            (await tenant.Admin.GetAsync("/audit?newest=true&limit=3"))["entries"].EnumerateArray().Select(entry => entry.GetProperty("action").GetString()));
    }

    [Fact]
    public async Task One_that_was_removed_is_gone()
    {
        var tenant = await plane.NewTenantAsync();
        var id = (await tenant.Admin.PostAsync("/webhooks", new { url = "https://192.0.2.1/" })).Expect(201)["webhook_id"].GetString()!;

        Assert.True((await tenant.Admin.DeleteAsync($"/webhooks/{id}")).Expect(200)["removed"].GetBoolean());

        Assert.Empty((await tenant.Admin.GetAsync("/webhooks")).Expect(200)["webhooks"].EnumerateArray());
        (await tenant.Admin.GetAsync($"/webhooks/{id}")).ExpectProblem(404, "webhook.unknown");
        (await tenant.Admin.DeleteAsync($"/webhooks/{id}")).ExpectProblem(404, "webhook.unknown");
        (await tenant.Admin.PutAsync($"/webhooks/{id}", new { url = "https://192.0.2.1/" })).ExpectProblem(404, "webhook.unknown");
        (await tenant.Admin.PostAsync($"/webhooks/{id}/secret", null)).ExpectProblem(404, "webhook.unknown");
        (await tenant.Admin.PostAsync($"/webhooks/{id}/test", null)).ExpectProblem(404, "webhook.unknown");
        (await tenant.Admin.GetAsync($"/webhooks/{id}/dead")).ExpectProblem(404, "webhook.unknown");
        (await tenant.Admin.PostAsync($"/webhooks/{id}/dead/1/replay", null)).ExpectProblem(404, "webhook.unknown");
    }

    [Fact]
    public async Task What_cannot_be_a_webhook_is_refused_with_everything_that_is_wrong()
    {
        var tenant = await plane.NewTenantAsync();

        Assert.Equal(
            ["webhook.url", "webhook.events", "webhook.description"],
            (await tenant.Admin.PostAsync("/webhooks", new { url = "http://example.com/", events = NoEvents, description = new string('d', 201) }))
                .ExpectProblem(400, "webhook.url").ErrorCodes);
        var id = (await tenant.Admin.PostAsync("/webhooks", new { url = "https://192.0.2.1/" })).Expect(201)["webhook_id"].GetString()!;
        (await tenant.Admin.PutAsync($"/webhooks/{id}", new { url = "no" })).ExpectProblem(400, "webhook.url");
        (await tenant.Admin.GetAsync($"/webhooks/{id}/dead?limit=0")).ExpectProblem(400, "request.limit");
        (await tenant.Admin.GetAsync($"/webhooks/{id}/dead?after=-1")).ExpectProblem(400, "request.after");
    }

    [Theory]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://localhost:1/")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://10.0.0.1/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[::ffff:127.0.0.1]/")]
    [InlineData("https://[64:ff9b::7f00:1]/")]
    public async Task Nothing_is_sent_to_addresses_that_are_not_the_worlds(string url)
    {
        var tenant = await plane.NewTenantAsync();
        var id = (await tenant.Admin.PostAsync("/webhooks", new { url })).Expect(201)["webhook_id"].GetString()!;

        var tried = (await tenant.Admin.PostAsync($"/webhooks/{id}/test", null)).Expect(200);

        Assert.Equal((false, "webhook.address"), (tried["delivered"].GetBoolean(), tried["code"].GetString()));
    }

    [Fact]
    public async Task A_tenant_has_no_more_than_it_may_have()
    {
        var tenant = await plane.NewTenantAsync();
        for (var index = 0; index < 32; index++)
        {
            (await tenant.Admin.PostAsync("/webhooks", new { url = "https://192.0.2.1/" })).Expect(201);
        }

        (await tenant.Admin.PostAsync("/webhooks", new { url = "https://192.0.2.1/" })).ExpectProblem(409, "webhook.limit");
        var first = (await tenant.Admin.GetAsync("/webhooks"))["webhooks"][0].GetProperty("webhook_id").GetString();
        (await tenant.Admin.DeleteAsync($"/webhooks/{first}")).Expect(200);
        (await tenant.Admin.PostAsync("/webhooks", new { url = "https://192.0.2.1/" })).Expect(201);
    }
}
