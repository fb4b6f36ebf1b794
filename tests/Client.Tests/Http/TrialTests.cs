using System.Text.Json;

namespace OrleansPolicy.Client.Tests.Http;

public sealed class TrialTests
{
    [Fact]
    public async Task A_bundle_is_tried_and_a_stored_one_is_asked_over_their_own_paths()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var bodies = new List<JsonElement>();
        plane.Intercept = async http =>
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
            bodies.Add(body.RootElement.Clone());
            await FakeControlPlane.Json(new
            {
                PolicyHash = "h",
                Version = "0.0.0",
                Decisions = new[] { new { CapabilityId = "read", Decision = new Decisions.Decision(true, false, "yes", "r", null, null) } },
            }).ExecuteAsync(http);
            return true;
        };
        using var client = new PolicyClient(new PolicyClientOptions { Server = plane.Address, ApiKey = "k" });
        var now = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

        var tried = await client.TryAsync(
            JsonElement.Parse("""[{"id":"r","effect":"allow"}]"""), [new DecideInput("read")], now, Decisions.DefaultEffect.Allow, TestContext.Current.CancellationToken);
        await client.DecideUnderAsync("tag:stable", [new DecideInput("read")], now, TestContext.Current.CancellationToken);

        Assert.Equal(("read", "r"), (tried.Decisions[0].CapabilityId, tried.Decisions[0].Decision.RuleId));
        Assert.Equal(("allow", "read"), (bodies[0].GetProperty("default_effect").GetString(), bodies[0].GetProperty("inputs")[0].GetProperty("capability_id").GetString()));
        Assert.Equal("r", bodies[0].GetProperty("bundle")[0].GetProperty("id").GetString());
        Assert.Equal(now, bodies[1].GetProperty("now").GetDateTimeOffset());
        Assert.Contains(plane.Requests, r => r.EndsWith("/v1/default/bundles/try", StringComparison.Ordinal));
        Assert.Contains(plane.Requests, r => r.Contains("/bundles/tag:stable/decide", StringComparison.Ordinal) || r.Contains("/bundles/tag%3Astable/decide", StringComparison.Ordinal));
    }
}
