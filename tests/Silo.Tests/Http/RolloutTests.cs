using System.Text.Json.Nodes;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class RolloutTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_rollout_starts_pauses_resumes_and_is_taken_back()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles);

        var started = (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201);

        var path = $"/rollouts/{started["rollout_id"].GetString()}";
        Assert.EndsWith(path, started.Headers["Location"], StringComparison.Ordinal);
        Assert.Equal("ACTIVE", started["state"].GetString());
        Assert.Equal(next, started["target"].GetString());
        Assert.Equal(baseline, started["fallback"].GetString());
        Assert.Equal("canary", (await tenant.Admin.GetAsync(path)).Expect(200)["stage_id"].GetString());
        Assert.Equal(started["rollout_id"].GetString(), (await tenant.Admin.GetAsync("/rollouts?fleet=edge")).Expect(200)["rollouts"][0].GetProperty("rollout_id").GetString());
        Assert.Equal("PAUSED", (await Act(tenant, path, "pause")).Expect(200)["state"].GetString());
        Assert.Equal("rollout.state", (await Act(tenant, path, "pause")).Expect(409).Code);
        Assert.Equal("ACTIVE", (await Act(tenant, path, "resume")).Expect(200)["state"].GetString());
        Assert.Equal("ROLLED_BACK", (await Act(tenant, path, "rollback")).Expect(200)["state"].GetString());
        (await Act(tenant, path, "rollback")).ExpectProblem(409, "rollout.state");
        var why = (await tenant.Admin.GetAsync(path + "/why")).Expect(200);
        Assert.Equal("ROLLED_BACK", why["state"].GetString());
        Assert.NotEmpty(why["code"].GetString()!);
        Assert.Equal(["RWG-002", "RWG-003"], (await tenant.Admin.GetAsync(path + "/events")).Expect(200)["events"].EnumerateArray().Select(one => one.GetProperty("code").GetString()));
        Assert.Equal(baseline, (await tenant.Admin.GetAsync("/fleets/edge")).Expect(200)["directive"].GetProperty("target").GetString());
    }

    [Fact]
    public async Task Events_are_streamed_as_they_come()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201)["rollout_id"].GetString()}";
        using var stream = await tenant.Admin.OpenAsync(path + "/events", ("Accept", "text/event-stream"));
        Assert.Equal("text/event-stream", stream.Content.Headers.ContentType!.MediaType);

        (await Act(tenant, path, "rollback")).Expect(200);

        // The stream goes on until the way back is over: no node of this fleet ever ACKs it.
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync());
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var line = "";
        while (line?.Contains("RWG-003", StringComparison.Ordinal) == false)
        {
            line = await reader.ReadLineAsync(deadline.Token);
        }

        Assert.NotNull(line);
    }

    [Fact]
    public async Task In_a_shadow_stage_nodes_are_shown_the_bundle_and_what_they_find_stands_in_the_rollout()
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, next) = await tenant.RunningFleetAsync("edge", _bundles);
        var plan = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        (plan["shadow"], plan["backtest"]) = (true, new JsonObject { ["max_changed_decisions"] = "1%" });
        Assert.Equal(1, (await tenant.Admin.PostAsync("/rollouts/validate", new { fleet = "edge", rollout_wedge = plan })).Expect(200)["shadow_window_hours"].GetDouble());

        var started = (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "r" })).Expect(201);

        Assert.Equal(("ACTIVE", "shadow", -1, 0m), (
            started["state"].GetString(), started["stage_id"].GetString(), started["stage_index"].GetInt32(), started["percentage"].GetDecimal()));
        var path = $"/rollouts/{started["rollout_id"].GetString()}";
        await Eventually.BecomesAsync(
            async () =>
            {
                var heard = (await tenant.Admin.GetAsync("/fleets/edge/nodes/n000/directive")).Expect(200);
                return (heard["policy_hash"].GetString(), heard.Json.TryGetProperty("shadow_hash", out var hash) ? hash.GetString() : null);
            },
            (baseline, (string?)next));
        var epoch = started["epoch"].GetInt64();
        var reports = Enumerable.Range(0, 2).Select(index => new
        {
            node = $"n00{index}",
            boot_id = "b",
            seq = 1,
            epoch,
            policy_hash = baseline,
            armed = true,
            ack = true,
            metrics = new { },
            shadow = new { policy_hash = next, compared = 10, changed = 2, changes = new[] { new { kind = "deny_to_allow", to_rule = "orders.write", count = 2 } } },
        });
        (await tenant.Admin.PostAsync("/fleets/edge/reports:batch", reports)).Expect(200);
        await Eventually.BecomesAsync(
            async () => (await tenant.Admin.GetAsync(path)).Expect(200).Json is var body && body.TryGetProperty("shadow", out var shadow)
                ? (shadow.GetProperty("compared").GetDouble(), shadow.GetProperty("changed").GetDouble())
                : default,
            (20d, 4d));
        var found = (await tenant.Admin.GetAsync(path)).Expect(200)["shadow"].GetProperty("changes")[0];
        Assert.Equal(("deny_to_allow", "orders.write", 4), (found.GetProperty("kind").GetString(), found.GetProperty("to_rule").GetString(), found.GetProperty("count").GetInt32()));

        var back = (await Act(tenant, path, "rollback")).Expect(200);
        Assert.NotEqual(default, back["rollback"].GetProperty("over_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task A_busy_fleet_takes_no_second_rollout()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201);
        var tokens = (await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble();

        (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).ExpectProblem(409, "rollout.in_flight");

        Assert.True((await tenant.Admin.GetAsync("/admission"))["tokens"].GetDouble() >= tokens);
        (await tenant.Admin.PutAsync("/fleets/edge", new { max_staleness_sec = 20, report_interval_sec = 3 })).ExpectProblem(409, "rollout.in_flight");
    }

    [Fact]
    public async Task Approving_needs_an_approver_who_is_not_the_author()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var author = await tenant.WithRoleAsync("operator", subject: "ada");
        var path = $"/rollouts/{(await author.PostAsync("/rollouts", Start("edge"))).Expect(201)["rollout_id"].GetString()}";

        (await author.PostAsync(path + "/approve", new { reason = "mine" })).ExpectProblem(403, "auth.role");
        (await (await tenant.WithRoleAsync("approver", subject: "ada")).PostAsync(path + "/approve", new { reason = "mine" })).ExpectProblem(403, "rollout.same_person");
        var bob = await tenant.WithRoleAsync("approver", subject: "bob");
        (await bob.PostAsync(path + "/approve", new { reason = "looked", stage_id = "another" })).ExpectProblem(409, "rollout.state");
        (await bob.PostAsync(path + "/approve", new { stage_id = "one" })).ExpectProblem(400, "reason.missing");
        (await bob.PostAsync("/rollouts/nothing/approve", new { reason = "looked" })).ExpectProblem(404, "rollout.unknown");
        (await bob.PostAsync(path + "/approve", new { reason = "looked", stage_id = (await bob.GetAsync(path)).Expect(200)["stage_id"].GetString() })).Expect(200);
    }

    [Fact]
    public async Task A_criterion_for_a_person_is_attested()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var plan = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        plan["wedge_stages"]![0]!["success_criteria"] = new JsonArray("looks fine", "no errors");
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "r" })).Expect(201)["rollout_id"].GetString()}";

        (await tenant.Admin.PostAsync(path + "/attest", new { criterion = "no errors", met = true, reason = "none" })).ExpectProblem(409, "rollout.not_attestable");
        (await tenant.Admin.PostAsync(path + "/attest", new { criterion = "looks fine", reason = "it does" })).ExpectProblem(400, "attestation.invalid");
        (await tenant.Admin.PostAsync(path + "/attest", new { met = true, reason = "it does" })).ExpectProblem(400, "attestation.invalid");
        (await tenant.Admin.PostAsync("/rollouts/nothing/attest", new { criterion = "looks fine", met = true, reason = "it does" })).ExpectProblem(404, "rollout.unknown");
        (await tenant.Admin.PostAsync(path + "/attest", new { criterion = "looks fine", met = true, reason = "it does" })).Expect(200);

        var entry = (await tenant.Admin.GetAsync("/audit?limit=1000")).Expect(200)["entries"].EnumerateArray().Last();
        Assert.Equal(("rollout.attested", "it does"), (entry.GetProperty("action").GetString(), entry.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task What_does_not_exist_is_404_and_what_is_missing_is_named()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);

        (await tenant.Admin.PostAsync("/rollouts", Start("nowhere"))).ExpectProblem(404, "fleet.unknown");
        (await tenant.Admin.PostAsync("/rollouts", Start("edge", "9.9.9"))).ExpectProblem(404, "bundle.unknown");
        (await tenant.Admin.GetAsync("/rollouts/nothing")).ExpectProblem(404, "rollout.unknown");
        (await tenant.Admin.GetAsync("/rollouts/No%20Name/why")).ExpectProblem(404, "rollout.unknown");
        (await tenant.Admin.GetAsync("/rollouts/nothing/events")).ExpectProblem(404, "rollout.unknown");
        (await Act(tenant, "/rollouts/nothing", "pause")).ExpectProblem(404, "rollout.unknown");
        (await tenant.Admin.PostAsync("/rollouts/nothing/pause", null)).ExpectProblem(400, "request.invalid");
        (await tenant.Admin.PostAsync("/rollouts/nothing/pause", "")).ExpectProblem(400, "reason.missing");
        Assert.Equal(["name.invalid", "ref.invalid", "reason.missing"], (await tenant.Admin.PostAsync("/rollouts", new { })).Expect(400).ErrorCodes);
        (await tenant.Admin.GetAsync("/rollouts?limit=0")).ExpectProblem(400, "request.limit");
    }

    [Fact]
    public async Task A_fleet_without_a_bundle_has_nothing_to_fall_back_to()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        await tenant.FleetAsync("edge", nodes: 40);
        await tenant.PublishAsync(_bundles, "2.0.0");

        (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).ExpectProblem(409, "rollout.no_fallback");
    }

    [Fact]
    public async Task A_bad_plan_is_refused_with_every_error_at_once()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var bad = TestPlans.Sound(plan =>
        {
            plan["initial_percentage"] = 0;
            plan["increment_policy"] = "sideways";
            plan["observation_window_hours"] = 0.5;
        });

        var refused = (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = bad, reason = "try" })).Expect(400);

        Assert.True(refused.ErrorCodes.Length >= 3, refused.Text);
        Assert.All(refused.ErrorCodes, code => Assert.StartsWith("plan.", code, StringComparison.Ordinal));
        (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", reason = "no plan" })).Expect(400);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("17")]
    [InlineData("\"text\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"wedge_stages":{"a":1}}""")]
    [InlineData("""{"wedge_stages":[1,null,"x",{"target_percentage":"5"}],"initial_percentage":true,"increment_policy":5,"max_blast_radius":1e999}""")]
    public async Task Any_json_for_a_plan_gets_a_verdict(string plan)
    {
        var verdict = (await plane.Admin.PostAsync("/v1/default/rollouts/validate", $$"""{"rollout_wedge":{{plan}}}""")).Expect(200);

        Assert.False(verdict["valid"].GetBoolean());
        Assert.NotEqual(0, verdict["errors"].GetArrayLength());
    }

    [Fact]
    public async Task A_sound_plan_is_valid_with_and_without_a_fleet_or_a_wrapper()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge", nodes: 40);

        var alone = (await tenant.Admin.PostAsync("/rollouts/validate", new { rollout_wedge = TestPlans.Sound() })).Expect(200);
        var onFleet = (await tenant.Admin.PostAsync("/rollouts/validate", new { fleet = "edge", rollout_wedge = TestPlans.Sound() })).Expect(200);
        var wrapped = (await tenant.Admin.PostAsync("/rollouts/validate", new { change_summary = new { rollout_wedge = TestPlans.Sound() } })).Expect(200);

        Assert.All([alone, onFleet, wrapped], verdict => Assert.True(verdict["valid"].GetBoolean(), verdict.Text));
        Assert.Equal(8, alone["planned_hours"].GetDouble());
        Assert.Equal([2, 8, 20, 40], onFleet["stages"].EnumerateArray().Select(stage => stage.GetProperty("nodes").GetInt32()));
        (await tenant.Admin.PostAsync("/rollouts/validate", new { fleet = "nowhere", rollout_wedge = TestPlans.Sound() })).ExpectProblem(404, "fleet.unknown");
        (await tenant.Admin.PostAsync("/rollouts/validate", "[]")).ExpectProblem(400, "request.invalid");
    }

    [Fact]
    public async Task A_critical_plan_begins_with_ten_percent_at_most_when_it_is_validated_and_when_it_starts()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var plan = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        plan["initial_percentage"] = 11;
        plan["wedge_stages"]![0]!["target_percentage"] = 15;

        Assert.True((await tenant.Admin.PostAsync("/rollouts/validate", new { rollout_wedge = plan })).Expect(200)["valid"].GetBoolean());
        var verdict = (await tenant.Admin.PostAsync("/rollouts/validate", new { critical = true, rollout_wedge = plan })).Expect(200);
        Assert.Equal(["plan.initial_percentage_critical"], verdict["errors"].EnumerateArray().Select(error => error.GetProperty("code").GetString()));
        (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, critical = true, reason = "try" }))
            .ExpectProblem(400, "plan.initial_percentage_critical");
        (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "try" })).Expect(201);
    }

    [Fact]
    public async Task A_start_holds_the_plan_and_the_fleet_against_the_rules_itself_whatever_was_validated_before()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        Assert.True((await tenant.Admin.PostAsync("/rollouts/validate", new { fleet = "edge", rollout_wedge = TestPlans.Sound() })).Expect(200)["valid"].GetBoolean());

        // The plan that was validated is not the one that comes.
        var changed = JsonNode.Parse(TestPlans.Sound().GetRawText())!;
        (changed["wedge_stages"]![0]!["target_percentage"], changed["wedge_stages"]![1]!["target_percentage"]) = (26, 30);
        (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = changed, reason = "try" }))
            .ExpectProblem(400, "plan.stage.first_target_above_25");

        // Nor is the fleet: of two nodes a twentieth is none.
        await Task.WhenAll(Enumerable.Range(2, 38).Select(async node => (await tenant.Admin.DeleteAsync($"/fleets/edge/nodes/n{node:000}")).Expect(200)));
        (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).ExpectProblem(400, "plan.fleet_too_small");
        Assert.Equal(0, (await tenant.Admin.GetAsync("/rollouts?fleet=edge")).Expect(200)["rollouts"].EnumerateArray().Count(rollout => rollout.GetProperty("kind").GetString() == "rollout"));
    }

    private static object Start(string fleet, string reference = "2.0.0") => new { fleet, @ref = reference, rollout_wedge = TestPlans.Sound(), reason = "new rules" };

    private static Task<ApiAnswer> Act(TestTenant tenant, string path, string action) => tenant.Admin.PostAsync($"{path}/{action}", new { reason = "because" });
}
