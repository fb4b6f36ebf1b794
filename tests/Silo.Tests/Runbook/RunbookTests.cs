using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Tests.Faults;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Runbook;

public sealed class RunbookTests(ControlPlane plane) : IClassFixture<ControlPlane>
{
    [Fact]
    public async Task Both_sides_are_deployed_shaken_armed_and_verified_in_the_runbooks_words()
    {
        await using var both = await BothSides.StartAsync(plane);

        var (code, output, error) = await both.DeployAsync(null, "--ref", "2.0.0");

        Assert.True(code == 0, output + error);
        AssertInOrder(
            output, "Pre-Deployment Checklist", "- [x] Policy hash calculated: sha256(canonicalize(policy)) = " + both.Second, "Step 1: DISARM Execution (if not already)", "DISARMED",
            "Step 2: Deploy Execution Service", $"[INFO] Loaded RiskPolicy v2.0.0 (hash: {both.Second}) (execution-1)", "(execution-2)", $$"""{"policy_hash":"{{both.Second}}"}""",
            "Step 3: Deploy Brain Service", $"✅ Policy hash handshake OK. Enabling signal processing. Hash: {both.Second} (brain-1)", "Step 4: ARM Execution", "ARMED",
            "Step 5: Verify System Health", "Rejections stayed 0", "DEPLOYED 2.0.0");
        await both.AllServeAsync(both.Second);
        Assert.Equal("deployed", both.State().GetProperty("outcome").GetString());
        Assert.Equal("arm.disarmed, fleet.baseline_set, arm.armed", await both.DoneAsync());
        var tags = (await both.Tenant.Admin.GetAsync("/bundles/tag:previous@edge"))["policy_hash"].GetString();
        Assert.Equal(both.First, tags);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sides_that_are_one_parity_group_are_deployed_or_taken_back_as_one(bool isRefused)
    {
        await using var both = await BothSides.StartAsync(
            plane, group: "pair", accept: candidate => isRefused && candidate.Version == "2.0.0" ? "too bold" : null);

        // The leader is not asked: what it denies until its own handshake after the ARM would be rejections, which end a deployment.
        await using var watch = new ParityWatch(() => [both.Agents["execution-1"], both.Agents["execution-2"]]);

        var (code, output, error) = await both.DeployAsync(null, "--ref", "2.0.0", "--rearm");

        Assert.True(code == (isRefused ? 7 : 0), output + error);
        await both.AllServeAsync(isRefused ? both.First : both.Second);
        Assert.Equal(isRefused ? "rolled_back" : "deployed", both.State().GetProperty("outcome").GetString());
        Assert.All(both.Agents.Values, agent => Assert.Equal(("pair", ParityPhase.Commit), (agent.Status.Group!.Name, agent.Status.Group.Phase)));
        await watch.NobodyDifferedAsync(_ => "pair");
    }

    [Fact]
    public async Task A_disarmed_fleet_of_parity_groups_is_given_another_bundle_and_serves_it_once_it_is_armed()
    {
        await using var both = await BothSides.StartAsync(plane, group: "pair");
        await using var watch = new ParityWatch(() => [.. both.Agents.Values]);
        (await both.Tenant.Admin.PostAsync("/fleets/edge/disarm", new { reason = "stop" })).Expect(200);

        (await both.Tenant.Admin.PutAsync("/fleets/edge/baseline", new { @ref = "2.0.0", reason = "all at once", while_disarmed = true })).Expect(200);
        await Eventually.BecomesAsync(
            () => Task.FromResult(both.Agents.Values.Count(agent => agent.Status is { Refusal: "decide.disarmed" } now && now.PolicyHash == both.Second)), 3, seconds: 120);
        Assert.Equal(ParityPhase.Commit, both.Agents["brain-1"].Status.Group!.Phase);

        (await both.Tenant.Admin.PostAsync("/fleets/edge/arm", new { reason = "go" })).Expect(200);
        await both.AllServeAsync(both.Second);
        await watch.NobodyDifferedAsync(_ => "pair");
    }

    [Theory]
    [InlineData("Step 1:")]
    [InlineData("DISARMED under")]
    [InlineData("Step 2:")]
    [InlineData("policy hash responder")]
    [InlineData("Step 3:")]
    [InlineData("handshake OK")]
    [InlineData("Step 4:")]
    [InlineData("ARMED under arm epoch")]
    [InlineData("Step 5:")]
    [InlineData("Rejections stayed 0")]
    public async Task After_a_crash_at_any_step_it_goes_on_and_nothing_is_done_twice(string at)
    {
        await using var both = await BothSides.StartAsync(plane);
        await CrashAsync(both, at == "ARMED under arm epoch" ? "   ARMED under arm epoch" : at, "--ref", "2.0.0");

        var refused = await both.DeployAsync(null, "--ref", "2.0.0");
        Assert.Equal((2, true), (refused.Code, refused.Error.Contains("--resume", StringComparison.Ordinal)));
        var (code, output, error) = await both.DeployAsync(null, "--resume");

        Assert.True(code == 0, output + error);
        await both.AllServeAsync(both.Second);
        Assert.Equal("arm.disarmed, fleet.baseline_set, arm.armed", await both.DoneAsync());
        Assert.Equal((0, "deployed"), ((await both.DeployAsync(null, "--resume")).Code, both.State().GetProperty("outcome").GetString()));
    }

    [Fact]
    public async Task A_rejection_within_the_window_ends_in_DISARM_and_rollback()
    {
        await using var both = await BothSides.StartAsync(plane);
        var gate = await both.Tenant.WithRoleAsync("node", "edge", "gate-1");

        var (code, output, error) = await both.DeployAsync(
            line =>
            {
                if (line.Contains("Check for rejection events", StringComparison.Ordinal))
                {
                    _ = RejectUntilAsync(gate, both.First);
                }
            },
            "--ref", "2.0.0", "--window", "20");

        Assert.True(code == 7, output + error);
        AssertInOrder(
            output, "Step 5: Verify System Health", "FAILED: gate-1 rejected", "policy_hash_mismatch", "Rollback Procedure", "1. DISARM Execution immediately", "DISARMED",
            "2. Redeploy previous versions of both services", "✅ Policy hash handshake OK", both.First, "3. Re-ARM after rollback verification: the fleet stays DISARMED", "ROLLED BACK");
        Assert.False((await both.Tenant.Admin.GetAsync("/fleets/edge"))["armed"].GetBoolean());
        Assert.All(both.Agents.Values, agent => Assert.Equal((both.First, "decide.disarmed"), (agent.Status.PolicyHash, agent.Status.Refusal)));
        Assert.Equal(("rolled_back", 1), (both.State().GetProperty("outcome").GetString(), (await both.Tenant.Admin.GetAsync("/fleets/edge/quarantine"))["quarantine"].GetArrayLength()));

        // What was taken back is not offered again.
        var again = await both.DeployAsync(null, "--ref", "2.0.0");
        Assert.Equal((1, true), (again.Code, again.Out.Contains("- [ ] New policy reviewed and approved", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("decide.parity_handshake")]
    [InlineData("decide.disarmed")]
    public async Task What_is_refused_until_ARM_and_the_handshake_have_reached_a_node_takes_nothing_back(string reason)
    {
        await using var both = await BothSides.StartAsync(plane);
        var gate = await both.Tenant.WithRoleAsync("node", "edge", "gate-1");
        var asking = Task.CompletedTask;

        var (code, output, error) = await both.DeployAsync(
            line => asking = line.Contains("Check for rejection events", StringComparison.Ordinal) ? RejectUntilAsync(gate, both.Second, reason, times: 5) : asking,
            "--ref", "2.0.0", "--window", "8");

        await asking;
        Assert.True(code == 0, output + error);
        AssertInOrder(output, "Check for rejection events", $"gate-1 was not ready yet ({reason}): the window begins anew", "Rejections stayed 0");
    }

    [Fact]
    public async Task A_node_that_refuses_the_policy_takes_both_sides_back_and_may_be_armed_again()
    {
        await using var both = await BothSides.StartAsync(plane, accept: candidate => candidate.Version == "2.0.0" ? "too bold" : null);
        await CrashAsync(both, "1. DISARM Execution immediately", "--ref", "2.0.0", "--rearm");

        var (code, output, error) = await both.DeployAsync(null, "--resume");

        Assert.True(code == 7, output + error);
        AssertInOrder(output, "Rollback Procedure: execution-2 refuses the policy", "too bold", "3. Re-ARM after rollback verification", "ARMED", "ROLLED BACK");
        await both.AllServeAsync(both.First);
        Assert.DoesNotContain("Step 3", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checklist_that_does_not_hold_changes_nothing()
    {
        await using var both = await BothSides.StartAsync(plane, withBrain: false);

        var (code, output, _) = await both.DeployAsync(null, "--ref", "2.0.0");
        var running = await both.DeployAsync(null, "--ref", "1.0.0", "--brain-role", "execution");

        Assert.Equal((1, true), (code, output.Contains("- [ ] Brain: no node of role brain", StringComparison.Ordinal)));
        Assert.Equal((1, true), (running.Code, running.Out.Contains("- [ ] The whole fleet runs it already", StringComparison.Ordinal)));
        Assert.Equal(("", false), (await both.DoneAsync(), File.Exists(both.StateFile)));
        Assert.Equal(5, (await both.DeployAsync(null, "--resume")).Code);
        Assert.Equal(2, (await both.DeployAsync(null)).Code);
        Assert.Equal(3, (await both.DeployAsync(null, "--ref", "9.9.9")).Code);
    }

    [Fact]
    public async Task A_disarmed_fleet_is_given_another_bundle_and_an_armed_one_is_not()
    {
        var tenant = await plane.NewTenantAsync();
        using var bundles = new TestBundles();
        var (_, second) = await tenant.RunningFleetAsync("edge", bundles, nodes: 1);
        object asks = new { @ref = "2.0.0", reason = "all at once", while_disarmed = true };

        (await tenant.Admin.PutAsync("/fleets/edge/baseline", asks)).ExpectProblem(409, "fleet.armed");
        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" })).Expect(200);
        (await tenant.Admin.PutAsync("/fleets/edge/baseline", new { @ref = "2.0.0", reason = "not asked for" })).ExpectProblem(409, "fleet.has_baseline");
        var set = (await tenant.Admin.PutAsync("/fleets/edge/baseline", asks)).Expect(200);

        Assert.Equal(second, set["directive"].GetProperty("target").GetString());
        (await tenant.Admin.PutAsync("/fleets/edge/baseline", asks)).ExpectProblem(409, "rollout.already_running");
        (await tenant.Admin.PostAsync("/fleets/edge/rollback", new { reason = "back" })).Expect(202);
        (await tenant.Admin.PutAsync("/fleets/edge/baseline", asks)).ExpectProblem(409, "rollout.in_flight");
    }

    private static async Task CrashAsync(BothSides both, string at, params string[] args)
    {
        var crashed = false;
        var run = await both.DeployAsync(
            line =>
            {
                if (!crashed && line.Contains(at, StringComparison.Ordinal))
                {
                    crashed = true;
                    throw new InvalidProgramException("crash");
                }
            },
            args);
        Assert.True(crashed && run.Code != 0, $"It never said '{at}': {run.Out}{run.Error}");
    }

    private static async Task RejectUntilAsync(TenantClient gate, string hash, string reason = "policy_hash_mismatch", int times = 200)
    {
        await gate.PutAsync("/fleets/edge/nodes/gate-1", new { role = "gate" });
        for (var seq = 1; seq <= times; seq++)
        {
            var heard = await gate.GetAsync("/fleets/edge/nodes/gate-1/directive");
            await gate.PostAsync("/fleets/edge/nodes/gate-1/report", new
            {
                boot_id = "gate",
                seq,
                epoch = heard["epoch"].GetInt64(),
                arm_epoch = heard["arm_epoch"].GetInt64(),
                armed = heard["armed"].GetBoolean(),
                policy_hash = hash,
                ack = true,
                rejections = new[] { new { reason, count = 1, expected_hash = hash, got_hash = new string('b', 64), at = DateTimeOffset.UtcNow } },
            });
            await Task.Delay(100);
        }
    }

    private static void AssertInOrder(string text, params string[] parts)
    {
        var from = 0;
        foreach (var part in parts)
        {
            var found = text.IndexOf(part, from, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{part}' is missing after what came before it in:\n{text}");
            from = found + part.Length;
        }
    }
}
