namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>People who act at the same moment, and clients that repeat themselves.</summary>
[Collection(OneControlPlane.Name)]
public sealed class ManyAtOnceTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Theory]
    [InlineData("pause", "PAUSED")]
    [InlineData("rollback", "ROLLED_BACK")]
    public async Task Of_two_operators_one_wins_and_the_other_hears_the_state_there_is(string action, string state)
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var operators = new[] { await tenant.WithRoleAsync("operator", subject: "ada"), await tenant.WithRoleAsync("operator", subject: "bob") };
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start())).Expect(201)["rollout_id"].GetString()}";
        var head = (await tenant.Admin.GetAsync("/audit/verify"))["entries"].GetInt64();

        var answers = await Task.WhenAll(operators.Select(one => one.PostAsync($"{path}/{action}", new { reason = "at once" })));

        var won = Assert.Single(answers, answer => answer.Status == 200);
        var lost = Assert.Single(answers, answer => answer.Status != 200).ExpectProblem(409, "rollout.state");
        Assert.Equal(state, won["state"].GetString());
        Assert.Contains(state, lost["detail"].GetString(), StringComparison.Ordinal);
        Assert.Equal(state, (await tenant.Admin.GetAsync(path))["state"].GetString());
        Assert.Equal(head + 1, (await tenant.Admin.GetAsync($"/audit?after={head}&limit=100"))["entries"].EnumerateArray().Count(entry => entry.GetProperty("code").GetString() is "RWG-002" or "RWG-003") + head);
    }

    [Fact]
    public async Task Of_two_starts_one_wins_and_the_other_takes_no_admission()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var operators = new[] { await tenant.WithRoleAsync("operator", subject: "ada"), await tenant.WithRoleAsync("operator", subject: "bob") };

        var answers = await Task.WhenAll(operators.Select(one => one.PostAsync("/rollouts", Start())));

        var won = Assert.Single(answers, answer => answer.Status == 201);
        Assert.Single(answers, answer => answer.Status != 201).ExpectProblem(409, "rollout.in_flight");
        var rollouts = (await tenant.Admin.GetAsync("/rollouts?fleet=edge")).Expect(200)["rollouts"].EnumerateArray().ToList();
        Assert.Equal(won["rollout_id"].GetString(), Assert.Single(rollouts, one => one.GetProperty("state").GetString() == "ACTIVE").GetProperty("rollout_id").GetString());
        Assert.Equal(2, (await tenant.Admin.GetAsync("/fleets/edge"))["directive"].GetProperty("epoch").GetInt64());
    }

    [Fact]
    public async Task A_thousand_requests_with_one_key_have_one_effect_and_one_answer()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var operators = await tenant.WithRoleAsync("operator");
        var id = ("Idempotency-Key", Guid.NewGuid().ToString());
        using var atOnce = new SemaphoreSlim(100);

        var answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(async _ =>
        {
            await atOnce.WaitAsync();
            try
            {
                return await operators.PostAsync("/rollouts", Start(), id);
            }
            finally
            {
                atOnce.Release();
            }
        }));

        Assert.All(answers, answer => answer.Expect(201));
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Equal(2, (await tenant.Admin.GetAsync("/fleets/edge"))["directive"].GetProperty("epoch").GetInt64());
        Assert.Single((await tenant.Admin.GetAsync("/rollouts?fleet=edge"))["rollouts"].EnumerateArray(), one => one.GetProperty("state").GetString() == "ACTIVE");
    }

    private static object Start() => new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "new rules" };
}
