using System.Text.Json.Nodes;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class WaiverTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task Two_people_let_a_third_roll_out_without_stages()
    {
        var tenant = await plane.NewTenantAsync();
        var (_, next) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 3);
        var author = await tenant.WithRoleAsync("operator", subject: "ada");
        (await author.PostAsync("/rollouts", OneStage(null))).ExpectProblem(400, "plan.stages_too_few");

        var asked = (await author.PostAsync("/waivers", Request(90))).Expect(201);
        var id = asked["waiver_id"].GetString()!;
        Assert.Equal(("requested", next), (asked["state"].GetString(), asked["policy_hash"].GetString()));
        (await author.PostAsync("/rollouts", OneStage(id))).ExpectProblem(409, "waiver.not_in_force");

        (await (await tenant.WithRoleAsync("approver", subject: "ada")).PostAsync($"/waivers/{id}/approve", new { reason = "mine" })).ExpectProblem(403, "waiver.same_person");
        var bob = await tenant.WithRoleAsync("approver", subject: "bob");
        Assert.Equal("requested", (await bob.PostAsync($"/waivers/{id}/approve", new { reason = "small fleet" })).Expect(200)["state"].GetString());
        (await bob.PostAsync($"/waivers/{id}/approve", new { reason = "again" })).ExpectProblem(403, "waiver.same_person");
        (await bob.PostAsync($"/waivers/{id}/approve", new { })).ExpectProblem(400, "reason.missing");
        var eve = await tenant.WithRoleAsync("approver", subject: "eve");
        Assert.Equal("approved", (await eve.PostAsync($"/waivers/{id}/approve", new { reason = "fine" })).Expect(200)["state"].GetString());
        (await (await tenant.WithRoleAsync("approver", subject: "joe")).PostAsync($"/waivers/{id}/approve", new { reason = "me too" })).ExpectProblem(409, "waiver.state");

        var started = (await author.PostAsync("/rollouts", OneStage(id))).Expect(201);
        Assert.Equal((id, 100), (started["waiver_id"].GetString(), started["percentage"].GetInt32()));

        var audit = (await tenant.Admin.GetAsync("/audit?limit=1000")).Expect(200)["entries"].EnumerateArray().ToList();
        Assert.Equal(
            ["waiver.requested", "waiver.approved", "waiver.approved"],
            audit.Select(entry => entry.GetProperty("action").GetString()).Where(action => action!.StartsWith("waiver.", StringComparison.Ordinal)));
        Assert.Equal(id, audit.Single(entry => entry.GetProperty("action").GetString() == "rollout.started").GetProperty("detail").GetProperty("waiver").GetString());

        (await author.DeleteAsync($"/waivers/{id}")).Expect(200);
        (await author.DeleteAsync($"/waivers/{id}")).ExpectProblem(409, "waiver.state");
        Assert.Equal("revoked", (await author.GetAsync($"/waivers/{id}")).Expect(200)["state"].GetString());
        Assert.Equal(id, (await author.GetAsync("/waivers")).Expect(200)["waivers"][0].GetProperty("waiver_id").GetString());
    }

    [Fact]
    public async Task What_cannot_be_waived_is_refused_with_its_reason()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles, nodes: 3);

        (await tenant.Admin.PostAsync("/waivers", Request(91))).ExpectProblem(400, "waiver.expires_at");
        (await tenant.Admin.PostAsync("/waivers", Request(-1))).ExpectProblem(400, "waiver.expires_at");
        (await tenant.Admin.PostAsync("/waivers", new { fleet = "edge", rule = "audit", reason = "r", expires_at = DateTimeOffset.UtcNow.AddDays(1) })).ExpectProblem(400, "waiver.rule");
        (await tenant.Admin.PostAsync("/waivers", new { fleet = "edge", rule = "multi_stage", reason = "r" })).ExpectProblem(400, "waiver.expires_at");
        (await tenant.Admin.PostAsync("/waivers", new { fleet = "nowhere", rule = "multi_stage", reason = "r" })).ExpectProblem(404, "fleet.unknown");
        (await tenant.Admin.PostAsync("/waivers", new { fleet = "edge", @ref = "9.9.9", rule = "multi_stage", reason = "r" })).ExpectProblem(404, "bundle.unknown");
        Assert.Equal(["name.invalid", "reason.missing"], (await tenant.Admin.PostAsync("/waivers", new { })).Expect(400).ErrorCodes);
        (await tenant.Admin.GetAsync("/waivers/nothing")).ExpectProblem(404, "waiver.unknown");
        (await tenant.Admin.DeleteAsync("/waivers/nothing")).ExpectProblem(404, "waiver.unknown");
        (await tenant.Admin.PostAsync("/waivers/nothing/approve", new { reason = "r" })).ExpectProblem(404, "waiver.unknown");
        (await tenant.Admin.PostAsync("/rollouts", OneStage("nothing"))).ExpectProblem(404, "waiver.unknown");
        (await tenant.Admin.PostAsync("/rollouts", OneStage("No Name"))).ExpectProblem(400, "name.invalid");
    }

    private static object Request(int days) =>
        new { fleet = "edge", @ref = "2.0.0", rule = "multi_stage", reason = "three nodes", expires_at = DateTimeOffset.UtcNow.AddDays(days).AddMinutes(-1) };

    private static object OneStage(string? waiver)
    {
        var plan = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        var stages = plan["wedge_stages"]!.AsArray();
        while (stages.Count > 1)
        {
            stages.RemoveAt(0);
        }

        plan["initial_percentage"] = 100;
        return new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "all at once", waiver_id = waiver };
    }
}
