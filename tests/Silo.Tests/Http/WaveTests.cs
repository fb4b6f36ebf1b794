using System.Text.Json;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Waves over HTTP: one bundle to several fleets.</summary>
[Collection(OneControlPlane.Name)]
public sealed class WaveTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_wave_starts_is_halted_goes_on_and_is_taken_back_from_all_its_fleets()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await RegionsAsync(tenant, "eu-1", "eu-2", "us-1");

        var started = (await tenant.Admin.PostAsync("/waves", Wave([["eu-1", "eu-2"], ["us-1"]]))).Expect(201);

        var path = $"/waves/{started["wave_id"].GetString()}";
        Assert.EndsWith(path, started.Headers["Location"], StringComparison.Ordinal);
        Assert.Equal(("ACTIVE", 1, 2, next), (started["state"].GetString(), started["step"].GetInt32(), started["steps"].GetInt32(), started["target"].GetString()));
        await Eventually.BecomesAsync(() => StatesAsync(tenant, path), "ACTIVE: ACTIVE ACTIVE PENDING");
        var rollout = (await tenant.Admin.GetAsync(path)).Expect(200)["fleets"][0].GetProperty("rollout_id").GetString();
        Assert.Equal(started["wave_id"].GetString(), (await tenant.Admin.GetAsync($"/rollouts/{rollout}")).Expect(200)["wave_id"].GetString());

        Assert.Equal("HALTED", (await Act(tenant, path, "pause")).Expect(200)["state"].GetString());
        await Eventually.BecomesAsync(() => StatesAsync(tenant, path), "HALTED: PAUSED PAUSED PENDING");
        (await Act(tenant, path, "pause")).ExpectProblem(409, "wave.state");
        Assert.Equal("ACTIVE", (await Act(tenant, path, "resume")).Expect(200)["state"].GetString());
        await Eventually.BecomesAsync(() => StatesAsync(tenant, path), "ACTIVE: ACTIVE ACTIVE PENDING");

        Assert.Equal("ROLLED_BACK", (await Act(tenant, path, "rollback")).Expect(200)["state"].GetString());
        await Eventually.BecomesAsync(() => StatesAsync(tenant, path), "ROLLED_BACK: ROLLED_BACK ROLLED_BACK PENDING, over");
        foreach (var fleet in new[] { "eu-1", "eu-2", "us-1" })
        {
            Assert.Equal(baseline, (await tenant.Admin.GetAsync($"/fleets/{fleet}")).Expect(200)["directive"].GetProperty("target").GetString());
        }

        (await Act(tenant, path, "end")).ExpectProblem(409, "wave.state");
        var listed = (await tenant.Admin.GetAsync("/waves")).Expect(200)["waves"];
        Assert.Equal((started["wave_id"].GetString(), "ROLLED_BACK"), (listed[0].GetProperty("wave_id").GetString(), listed[0].GetProperty("state").GetString()));
        var told = (await tenant.Admin.GetAsync("/audit?limit=1000")).Expect(200)["entries"].EnumerateArray()
            .Select(entry => (Action: entry.GetProperty("action").GetString()!, Actor: entry.GetProperty("actor").GetString()!)).Where(entry => entry.Action.StartsWith("wave.", StringComparison.Ordinal));
        Assert.Equal(["wave.started", "wave.halted", "wave.resumed", "wave.rolled_back", "wave.returned"], told.Select(entry => entry.Action));
    }

    [Fact]
    public async Task One_fleet_that_is_taken_back_takes_the_others_back_where_the_wave_says_so()
    {
        var tenant = await plane.NewTenantAsync();
        await RegionsAsync(tenant, "eu-1", "eu-2");
        var path = $"/waves/{(await tenant.Admin.PostAsync("/waves", Wave([["eu-1", "eu-2"]], onHalt: "rollback"))).Expect(201)["wave_id"].GetString()}";
        await Eventually.BecomesAsync(() => StatesAsync(tenant, path), "ACTIVE: ACTIVE ACTIVE");

        var rollout = (await tenant.Admin.GetAsync(path)).Expect(200)["fleets"][1].GetProperty("rollout_id").GetString();
        (await tenant.Admin.PostAsync($"/rollouts/{rollout}/rollback", new { reason = "it is bad" })).Expect(200);

        await Eventually.BecomesAsync(() => StatesAsync(tenant, path), "ROLLED_BACK: ROLLED_BACK ROLLED_BACK, over");
        Assert.Equal("wave.fleet_rolled_back", (await tenant.Admin.GetAsync(path)).Expect(200)["why"].GetProperty("code").GetString());
    }

    [Fact]
    public async Task The_same_request_under_one_key_starts_one_wave()
    {
        var tenant = await plane.NewTenantAsync();
        await RegionsAsync(tenant, "eu-1");

        var first = (await tenant.Admin.PostAsync("/waves", Wave([["eu-1"]]), ("Idempotency-Key", "wave-1"))).Expect(201);
        plane.ForgetOperations();
        var again = (await tenant.Admin.PostAsync("/waves", Wave([["eu-1"]]), ("Idempotency-Key", "wave-1"))).Expect(201);

        Assert.Equal(first["wave_id"].GetString(), again["wave_id"].GetString());
        Assert.Equal(1, (await tenant.Admin.GetAsync("/waves")).Expect(200)["waves"].GetArrayLength());
    }

    [Fact]
    public async Task All_that_is_wrong_is_told_at_once_and_what_is_not_there_is_404()
    {
        var tenant = await plane.NewTenantAsync();
        await RegionsAsync(tenant, "eu-1", "eu-2");

        var shapes = (await tenant.Admin.PostAsync("/waves", new { fleets = (string[][])[["eu-1"], [], ["eu-1", "No Name"]], overrides = new[] { new { fleet = "us-1" } } })).Expect(400);
        Assert.Equal(["wave.empty", "wave.fleet_twice", "name.invalid", "wave.override", "ref.invalid", "reason.missing"], shapes.ErrorCodes);
        (await tenant.Admin.PostAsync("/waves", new { })).ExpectProblem(400, "wave.empty");
        (await tenant.Admin.PostAsync("/waves", new { overrides = new object?[] { null }, on_halt = "cheer" })).ExpectProblem(400, "request.invalid");
        var unready = (await tenant.Admin.PostAsync("/waves", Wave([["eu-1"], ["nowhere"]], "9.9.9"))).Expect(404);
        Assert.Equal(["bundle.unknown", "fleet.unknown"], unready.ErrorCodes);
        var small = TestPlans.Sound(plan => plan["max_blast_radius"] = 0);
        var refused = (await tenant.Admin.PostAsync("/waves", new
        {
            fleets = (string[][])[["eu-1"], ["eu-2"]],
            @ref = "2.0.0",
            rollout_wedge = TestPlans.Sound(),
            overrides = new[] { new { fleet = "eu-2", rollout_wedge = small } },
            reason = "r",
        })).Expect(400);
        Assert.All(refused["errors"].EnumerateArray(), error => Assert.StartsWith("$.overrides[0].rollout_wedge", error.GetProperty("path").GetString(), StringComparison.Ordinal));

        (await tenant.Admin.PostAsync("/waves", Wave([["eu-1"]]))).Expect(201);
        (await tenant.Admin.PostAsync("/waves", Wave([["eu-2"], ["eu-1"]]))).ExpectProblem(409, "wave.overlaps");
        (await tenant.Admin.GetAsync("/waves/nothing")).ExpectProblem(404, "wave.unknown");
        (await tenant.Admin.GetAsync("/waves/No%20Name")).ExpectProblem(404, "wave.unknown");
        (await Act(tenant, "/waves/nothing", "resume")).ExpectProblem(404, "wave.unknown");
        (await tenant.Admin.PostAsync("/waves/nothing/end", "")).ExpectProblem(400, "reason.missing");
        (await tenant.Admin.GetAsync("/waves?limit=0")).ExpectProblem(400, "request.limit");
    }

    private async Task<(string Baseline, string Next)> RegionsAsync(TestTenant tenant, params string[] fleets)
    {
        var hashes = await tenant.RunningFleetAsync(fleets[0], _bundles);
        foreach (var fleet in fleets.Skip(1))
        {
            await tenant.FleetAsync(fleet, nodes: 40);
            (await tenant.Admin.PutAsync($"/fleets/{fleet}/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        }

        return hashes;
    }

    private static object Wave(string[][] fleets, string reference = "2.0.0", string onHalt = "pause") =>
        new { fleets, @ref = reference, rollout_wedge = TestPlans.Sound(), on_halt = onHalt, reason = "new rules" };

    private static async Task<string> StatesAsync(TestTenant tenant, string path)
    {
        var wave = (await tenant.Admin.GetAsync(path)).Expect(200).Json;
        return $"{wave.GetProperty("state").GetString()}: {string.Join(' ', wave.GetProperty("fleets").EnumerateArray().Select(fleet => fleet.GetProperty("state").GetString()))}"
            + (wave.TryGetProperty("ended_at", out JsonElement _) ? ", over" : "");
    }

    private static Task<ApiAnswer> Act(TestTenant tenant, string path, string action) => tenant.Admin.PostAsync($"{path}/{action}", new { reason = "because" });
}
