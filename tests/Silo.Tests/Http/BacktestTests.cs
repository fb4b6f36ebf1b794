using System.Text;
using System.Text.Json.Nodes;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>A start is refused by what the fleet's recorded decisions would have been under the new bundle.</summary>
[Collection(OneControlPlane.Name)]
public sealed class BacktestTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task Recorded_decisions_that_come_out_differently_refuse_a_start_and_name_the_rules()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles);
        (await tenant.Admin.PostAsync("/rollouts", Start("""{"max_changed_decisions": 10}"""))).ExpectProblem(409, "backtest.too_few_records");
        var tokens = (await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble();
        var relay = await tenant.WithRoleAsync("relay", "edge");
        (await relay.PostAsync("/fleets/edge/decisions?batch=b", Log(baseline, next))).Expect(200);

        // What was handed over within the last seconds is not read yet.
        await Eventually.BecomesAsync(
            async () => (await tenant.Admin.PostAsync("/rollouts", Start("""{"max_changed_decisions": 10}"""))).Expect(409).Code, "backtest.changed", seconds: 60);

        var refused = (await tenant.Admin.PostAsync("/rollouts", Start("""{"max_changed_decisions": "49%"}"""))).ExpectProblem(409, "backtest.changed");
        Assert.Equal(["backtest.changed", "backtest.differs"], refused.ErrorCodes);
        Assert.Contains("60 of 120 recorded decisions", refused["detail"].GetString(), StringComparison.Ordinal);
        Assert.Equal(
            "60 times deny_to_allow: no rule in force, rule orders.write in the new bundle.", refused["errors"][1].GetProperty("message").GetString());
        (await tenant.Admin.PostAsync("/rollouts", Start("""{"max_changed_decisions": "50%", "min_records": 121}"""))).ExpectProblem(409, "backtest.too_few_records");
        Assert.True((await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble() >= tokens);

        (await tenant.Admin.PostAsync("/rollouts", Start("""{"max_changed_decisions": "50%"}"""))).Expect(201);
    }

    [Fact]
    public async Task Two_people_may_waive_it_and_nothing_else_with_it()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var author = await tenant.WithRoleAsync("operator", subject: "ada");
        (await author.PostAsync("/rollouts", Start("{}"))).ExpectProblem(409, "backtest.too_few_records");
        var asked = (await author.PostAsync(
            "/waivers", new { fleet = "edge", @ref = "2.0.0", rule = "backtest", reason = "no log yet", expires_at = DateTimeOffset.UtcNow.AddDays(1) })).Expect(201);
        Assert.Equal("backtest", asked["rule"].GetString());
        var id = asked["waiver_id"].GetString()!;
        foreach (var approver in new[] { "bob", "eve" })
        {
            (await (await tenant.WithRoleAsync("approver", subject: approver)).PostAsync($"/waivers/{id}/approve", new { reason = "fine" })).Expect(200);
        }

        (await author.PostAsync("/rollouts", Start("{}", id, stages: 1))).ExpectProblem(400, "plan.stages_too_few");

        Assert.Equal(id, (await author.PostAsync("/rollouts", Start("{}", id))).Expect(201)["waiver_id"].GetString());
    }

    private static object Start(string backtest, string? waiver = null, int? stages = null)
    {
        var plan = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        plan["backtest"] = JsonNode.Parse(backtest);
        var list = plan["wedge_stages"]!.AsArray();
        while (list.Count > (stages ?? list.Count))
        {
            list.RemoveAt(0);
        }

        plan["initial_percentage"] = stages is null ? 5 : 100;
        return new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "r", waiver_id = waiver };
    }

    // Version 2 allows what is written too. What another bundle decided is passed over.
    private static byte[] Log(string inForce, string other)
    {
        var lines = Enumerable.Range(0, 60).SelectMany(_ => new[]
        {
            Record("orders.read", true, "1.0.0", "\"orders.read\"", inForce), Record("orders.write", false, "default-deny", "null", inForce),
            Record("orders.write", false, "default-deny", "null", other),
        });
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    private static string Record(string capability, bool allowed, string reason, string rule, string hash) =>
        $$"""{"at":"2026-11-21T09:00:00Z","node":"n000","fleet":"edge","capability_id":"{{capability}}","context":{},"decision":{"allowed":{{(allowed ? "true" : "false")}},"require_confirmation":false,"reason":"{{reason}}","rule_id":{{rule}}},"policy_hash":"{{hash}}","epoch":1}""";
}
