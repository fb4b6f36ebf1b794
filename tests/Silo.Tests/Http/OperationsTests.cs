using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class OperationsTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();
    private readonly Guid _run = Guid.NewGuid();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task The_same_request_is_answered_as_the_first_time()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var path = $"/rollouts/{(await tenant.Admin.PostAsync("/rollouts", Start(), Id("start"))).Expect(201)["rollout_id"].GetString()}";

        var first = (await tenant.Admin.PostAsync(path + "/pause", new { reason = "look" }, Id("pause"))).Expect(200);
        (await tenant.Admin.PostAsync(path + "/resume", new { reason = "fine" }, Id("resume"))).Expect(200);
        var again = (await tenant.Admin.PostAsync(path + "/pause", new { reason = "look" }, Id("pause"))).Expect(200);

        Assert.Equal(first.Text, again.Text);
        Assert.Equal("ACTIVE", (await tenant.Admin.GetAsync(path))["state"].GetString());
        var restart = (await tenant.Admin.PostAsync("/rollouts", Start(), Id("start"))).Expect(201);
        Assert.EndsWith(path, restart.Headers["Location"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_stored_is_given_again_by_a_process_that_remembers_nothing()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        var content = _bundles.Make("1.0.0");
        var first = (await tenant.Admin.PostAsync("/bundles", content, Id("publish"))).Expect(201);

        plane.ForgetOperations();
        var again = (await tenant.Admin.PostAsync("/bundles", content, Id("publish"))).Expect(201);

        Assert.Equal(first.Text, again.Text);
    }

    [Fact]
    public async Task A_key_is_never_stored_with_its_secret()
    {
        var tenant = await plane.NewTenantAsync();
        var request = new { name = "n", subject = "s", role = "viewer" };
        var first = (await tenant.Admin.PostAsync("/keys", request, Id("key"))).Expect(201);
        var again = (await tenant.Admin.PostAsync("/keys", request, Id("key"))).Expect(201);

        plane.ForgetOperations();
        var later = (await tenant.Admin.PostAsync("/keys", request, Id("key"))).Expect(201);

        Assert.Equal(first.Text, again.Text);
        Assert.Equal(first["id"].GetString(), later["id"].GetString());
        Assert.False(later.Json.TryGetProperty("key", out _));
        Assert.Equal(1, (await tenant.Admin.GetAsync("/keys"))["keys"].GetArrayLength());
    }

    [Fact]
    public async Task A_key_is_given_again_with_its_secret_however_much_others_ask()
    {
        var tenant = await plane.NewTenantAsync();
        var request = new { name = "n", subject = "s", role = "viewer" };
        var first = (await tenant.Admin.PostAsync("/keys", request, Id("key"))).Expect(201);
        var memory = plane.Host.Services.GetRequiredService<OperationMemory>();
        var answer = new JsonAnswer("{}").Write();
        for (var n = 0; n < 10_000; n++)
        {
            memory.Remember("another", $"{n}", "hash", answer);
        }

        var again = (await tenant.Admin.PostAsync("/keys", request, Id("key"))).Expect(201);

        Assert.Equal(first.Text, again.Text);
        Assert.True(again.Json.TryGetProperty("key", out _));
    }

    [Theory]
    [InlineData("/canonical")]
    [InlineData("/bundles/verify")]
    [InlineData("/admission")]
    public async Task Another_request_under_the_same_id_is_refused(string path)
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PostAsync(path, new { a = 1 }, Id("same"))).Expect(200);

        (await tenant.Admin.PostAsync(path, new { a = 2 }, Id("same"))).ExpectProblem(422, "operation.reused");
        (await tenant.Admin.PutAsync("/fleets/edge", new { }, Id("same"))).ExpectProblem(422, "operation.reused");
        plane.ForgetOperations();
        (await tenant.Admin.PutAsync("/fleets/edge", new { }, Id("other"))).Expect(200);
    }

    [Theory]
    [InlineData("report")]
    [InlineData("register")]
    [InlineData("relay")]
    public async Task What_a_node_hears_is_of_its_moment_and_never_given_again(string call)
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("edge", _bundles, nodes: 1);
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        var relay = await tenant.WithRoleAsync("relay", "edge");
        await Eventually.BecomesAsync(() => HearAsync(seq: 1), "True");

        (await tenant.Admin.PostAsync("/fleets/edge/disarm?wait=0", new { reason = "stop" })).Expect(200);

        await Eventually.BecomesAsync(() => HearAsync(seq: 1), "False");
        Assert.Equal("operation.reused", await HearAsync(seq: 2));

        // Whether it may serve, or the code of the refusal.
        async Task<string> HearAsync(int seq)
        {
            var answer = call switch
            {
                "report" => await node.PostAsync("/fleets/edge/nodes/n000/report", Report(seq), Id(call)),
                "register" => await node.PutAsync("/fleets/edge/nodes/n000", new { labels = new { seq = $"{seq}" } }, Id(call)),
                _ => await relay.PostAsync("/fleets/edge/reports:batch", new[] { Report(seq) }, Id(call)),
            };
            return answer.Status != 200 ? answer.Code : $"{(call == "relay" ? answer["armed"] : answer["directive"].GetProperty("armed")).GetBoolean()}";
        }

        object Report(int seq) => new { node = "n000", boot_id = "b", seq, epoch = 1, policy_hash = baseline, ack = true };
    }

    [Theory]
    [InlineData("/decide")]
    [InlineData("/decide:explain")]
    [InlineData("/fleets/default/nodes/n000/decide")]
    public async Task A_decision_is_of_its_moment_and_never_given_again(string path)
    {
        var tenant = await plane.NewTenantAsync();
        var (baseline, _) = await tenant.RunningFleetAsync("default", _bundles, nodes: 1);
        var seq = 0;
        await Eventually.BecomesAsync(() => DecideAsync("orders.read"), "True");

        (await tenant.Admin.PostAsync("/fleets/default/disarm?wait=0", new { reason = "stop" })).Expect(200);

        await Eventually.BecomesAsync(() => DecideAsync("orders.read"), "decide.disarmed");
        Assert.Equal("operation.reused", await DecideAsync("orders.write"));

        // Whether it is allowed, or the code of the refusal. The node lives on meanwhile.
        async Task<string> DecideAsync(string capability)
        {
            await tenant.Admin.PostAsync(
                "/fleets/default/nodes/n000/report", new { boot_id = "b", seq = ++seq, epoch = 1, policy_hash = baseline, ack = true });
            var answer = await tenant.Admin.PostAsync(path, new { capability_id = capability }, Id("decide"));
            return answer.Status != 200 ? answer.Code : $"{answer["decision"].GetProperty("allowed").GetBoolean()}";
        }
    }

    [Fact]
    public async Task Another_key_may_use_the_same_id()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PutAsync("/fleets/one", new { }, Id("same"))).Expect(200);

        (await (await tenant.WithRoleAsync("operator")).PutAsync("/fleets/two", new { }, Id("same"))).Expect(200);
    }

    [Fact]
    public async Task Fifty_at_once_have_one_effect()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.TrustAsync(_bundles);
        await tenant.FleetAsync("edge");
        await tenant.PublishAsync(_bundles, "1.0.0");

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ =>
            tenant.Admin.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" }, Id("fifty"))));

        Assert.All(answers, answer => answer.Expect(200));
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Equal(1, (await tenant.Admin.GetAsync("/fleets/edge"))["directive"].GetProperty("epoch").GetInt64());
    }

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    public async Task An_id_that_is_none_is_refused(string id) =>
        (await plane.Admin.PostAsync("/v1/default/canonical", "1", ("Idempotency-Key", id))).ExpectProblem(400, "operation.id_invalid");

    [Fact]
    public async Task An_id_has_at_most_128_characters()
    {
        (await plane.Admin.PostAsync("/v1/default/canonical", "1", ("Idempotency-Key", new string('a', 128)))).Expect(200);
        (await plane.Admin.PostAsync("/v1/default/canonical", "1", ("Idempotency-Key", new string('a', 129)))).ExpectProblem(400, "operation.id_invalid");
    }

    // Ids belong to a key, and every test here shows the same one.
    private (string Name, string Value) Id(string id) => ("Idempotency-Key", $"{id}-{_run}");

    private static object Start() => new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "new rules" };
}
