namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class LineTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_stopped_line_holds_every_start_and_says_so_on_what_runs_until_it_is_released()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        await tenant.FleetAsync("core", 40);
        (await tenant.Admin.PutAsync("/fleets/core/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201)["rollout_id"].GetString()}";
        Assert.False((await tenant.Admin.GetAsync("/line")).Expect(200)["stopped"].GetBoolean());
        var ada = await tenant.WithRoleAsync("operator", subject: "ada");

        var stopped = (await ada.PostAsync("/line/stop", new { reason = "incident 7" })).Expect(200);

        Assert.Equal((true, "ada", "incident 7"), (stopped["stopped"].GetBoolean(), stopped["by"].GetString(), stopped["reason"].GetString()));
        Assert.Contains("ada: incident 7", (await tenant.Admin.PostAsync("/rollouts", Start("core"))).ExpectProblem(409, "line.stopped")["detail"].GetString(), StringComparison.Ordinal);
        (await (await tenant.WithRoleAsync("approver", subject: "bob")).PostAsync("/line/stop", new { reason = "me too" })).ExpectProblem(409, "line.state");
        await Eventually.BecomesAsync(async () => (await ada.GetAsync(path + "/why")).Expect(200)["code"].GetString(), "line.stopped", seconds: 60);
        Assert.Equal(stopped["since"].GetDateTimeOffset(), (await ada.GetAsync(path + "/why")).Expect(200)["since"].GetDateTimeOffset());
        Assert.Equal("PAUSED", (await ada.PostAsync(path + "/pause", new { reason = "stay" })).Expect(200)["state"].GetString());
        Assert.Equal("ACTIVE", (await ada.PostAsync(path + "/resume", new { reason = "go on" })).Expect(200)["state"].GetString());
        Assert.Equal("ROLLED_BACK", (await ada.PostAsync(path + "/rollback", new { reason = "back" })).Expect(200)["state"].GetString());

        Assert.False((await ada.PostAsync("/line/release", new { reason = "fixed" })).Expect(200)["stopped"].GetBoolean());
        (await ada.PostAsync("/line/release", new { reason = "fixed" })).ExpectProblem(409, "line.state");
        (await tenant.Admin.PostAsync("/rollouts", Start("core"))).Expect(201);
        var history = (await ada.GetAsync("/audit?subject=line&newest=true")).Expect(200)["entries"].EnumerateArray().ToList();
        Assert.Equal(["line.released", "line.stopped"], history.Select(entry => entry.GetProperty("action").GetString()));
        Assert.Equal(["fixed", "incident 7"], history.Select(entry => entry.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task A_fast_track_goes_back_while_the_line_is_stopped()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles);
        (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201);
        (await tenant.Admin.PostAsync("/line/stop", new { reason = "incident 7" })).Expect(200);

        Assert.Equal(baseline, (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { reason = "back" })).Expect(202)["target"].GetString());
    }

    [Fact]
    public async Task A_stop_says_why_and_a_repeated_one_is_done_once()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PostAsync("/line/stop", new { })).ExpectProblem(400, "reason.missing");
        (await tenant.Admin.PostAsync("/line/release", new { reason = "r" })).ExpectProblem(409, "line.state");

        var first = (await tenant.Admin.PostAsync("/line/stop", new { reason = "r" }, ("Idempotency-Key", "stop-1"))).Expect(200);
        var again = (await tenant.Admin.PostAsync("/line/stop", new { reason = "r" }, ("Idempotency-Key", "stop-1"))).Expect(200);

        Assert.Equal(first["since"].GetString(), again["since"].GetString());
        Assert.Equal(1, (await tenant.Admin.GetAsync("/audit?subject=line&newest=true")).Expect(200)["entries"].GetArrayLength());
    }

    private static object Start(string fleet) => new { fleet, @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "better" };
}
