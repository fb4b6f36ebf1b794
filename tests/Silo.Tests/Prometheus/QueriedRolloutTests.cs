using System.Text.Json;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Prometheus;

/// <summary>A whole process whose rollouts are judged by what a metrics server answers, whatever it answers.</summary>
public sealed class QueriedRolloutTests(PostgresServer server)
{
    private const double Patience = 180;

    [Fact]
    public async Task A_rollout_is_judged_by_answers_and_without_one_it_stands_still_with_the_reason()
    {
        await using var fake = await FakePrometheus.StartAsync();
        fake.Says("0.001");
        await using var plane = await QueryingPlane.StartAsync(
            server, fake.Address, hourSeconds: 20, [("errors", "$tenant $fleet $target $version $window")], "edge");
        var path = await plane.BeginAsync("edge", QueryingPlane.Plan("prom:errors < 1%", "prom:errors > 5%"));

        await BecomesAsync("PASS", Judge.PassCode);
        Assert.Matches($"^default edge {plane.Next} 2.0.0 [0-9]+s$", fake.Asked[^1].Query);
        fake.Says("0.02");
        await BecomesAsync("FAIL", Judge.FailCode);
        foreach (var (body, status, code) in new[]
        {
            ("""{"status":"success","data":{"resultType":"vector","result":[]}}""", 200, QueryCodes.Empty),
            ("<html>", 200, QueryCodes.Failed),
            ("""{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}""", 200, QueryCodes.NotANumber),
            ("", 500, QueryCodes.Unavailable),
        })
        {
            fake.SaysBody(body, status);
            await BecomesAsync("INCONCLUSIVE", code);
        }

        fake.Says("0.001");
        await BecomesAsync("PASS", Judge.PassCode);
        fake.SaysBody("""{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}""");
        await BecomesAsync("INCONCLUSIVE", QueryCodes.Stale);
        fake.Says("0.2");
        await Eventually.BecomesAsync(async () => Text(await plane.LookAsync("edge", path), "state"), "ROLLED_BACK", Patience);

        var why = (await plane.Tenant.GetAsync(path + "/why")).Expect(200);
        Assert.Equal(("rollback.trigger", 0.2, 0.05), (why["code"].GetString(), why["measured"].GetDouble(), why["limit"].GetDouble()));
        var taken = (await plane.Tenant.GetAsync(path + "/events")).Expect(200)["events"].EnumerateArray().Single(one => Text(one, "code") == "RWG-003");
        Assert.Equal(0.2, taken.GetProperty("metrics").GetProperty("prom:errors").GetDouble());
        var metrics = (await plane.Tenant.Api.GetAsync("/metrics")).Expect(200).Text;
        foreach (var result in new[] { "value", "empty", "failed", "not_a_number", "unavailable" })
        {
            Assert.Contains($"policy_prometheus_queries_total{{query=\"errors\",result=\"{result}\"}} ", metrics, StringComparison.Ordinal);
        }

        Assert.Contains("policy_prometheus_query_duration_seconds_count ", metrics, StringComparison.Ordinal);

        Task BecomesAsync(string kind, string code) => Eventually.BecomesAsync(
            async () => (await plane.LookAsync("edge", path)).TryGetProperty("verdict", out var verdict) ? (Text(verdict, "kind"), Text(verdict, "code")) : default, (kind, code), Patience);
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var text) ? text.GetString() : null;
}

/// <summary>A plan names what the process is configured with, and nothing else.</summary>
[Collection(OneControlPlane.Name)]
public sealed class QueryNamesTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_query_that_is_not_configured_is_refused_before_the_start_and_at_it()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var plan = QueryingPlane.Plan("prom:errors < 1%", "prom:errors vs baseline");

        var checkedPlan = (await tenant.Admin.PostAsync("/rollouts/validate", new { rollout_wedge = plan })).Expect(200);

        Assert.Equal(
            [
                ("plan.stage.query_unknown", "$.rollout_wedge.wedge_stages[0].success_criteria[0]"),
                ("plan.stage.query_malformed", "$.rollout_wedge.wedge_stages[0].rollback_trigger"),
            ],
            checkedPlan["errors"].EnumerateArray().Take(2).Select(error => (error.GetProperty("code").GetString(), error.GetProperty("path").GetString())));
        (await tenant.Admin.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = plan, reason = "try" })).ExpectProblem(400, "plan.stage.query_unknown");
    }
}
