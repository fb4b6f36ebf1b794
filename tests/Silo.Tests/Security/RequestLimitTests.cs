using System.Globalization;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Security;

[Collection(OneControlPlane.Name)]
public sealed class RequestLimitTests(ControlPlane plane)
{
    private const int RequestsMax = 20_000;

    [Fact]
    public async Task A_key_that_asks_too_often_is_told_to_wait_and_no_other_is()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 2);
        var greedy = await tenant.WithRoleAsync("node", "edge", "n000");
        var modest = await tenant.WithRoleAsync("node", "edge", "n001");

        ApiAnswer? refused = null;
        for (var sent = 0; refused is null && sent < RequestsMax; sent += 100)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => greedy.GetAsync("/trust")));
            refused = answers.FirstOrDefault(answer => answer.Status == 429);
        }

        Assert.NotNull(refused);
        refused.ExpectProblem(429, "limit.requests");
        Assert.True(int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture) >= 0);
        (await modest.GetAsync("/fleets/edge/nodes/n001")).Expect(200);
    }
}
