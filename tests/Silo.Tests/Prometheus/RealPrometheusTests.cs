using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Prometheus;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Prometheus;

/// <summary>A real Prometheus reads applications that count their requests by fleet and by the policy they serve; rollouts are judged by its numbers.</summary>
public sealed class RealPrometheusTests(PostgresServer server)
{
    private const double Patience = 180;
    private const string Of = "{tenant=\"$tenant\",fleet=\"$fleet\",policy_hash=\"$target\"}[$window]";

    [Fact]
    public async Task One_rollout_meets_its_criterion_and_goes_on_and_the_other_is_taken_back_by_its_trigger()
    {
        await using var applications = new Applications();
        await applications.StartAsync();
        using var prometheus = await PrometheusServer.StartAsync(applications.Address);
        await using var plane = await QueryingPlane.StartAsync(
            server, prometheus.Address, hourSeconds: 8,
            [("error_rate", $"sum(rate(app_errors_total{Of})) / sum(rate(app_requests_total{Of}))")], "good", "bad");
        applications.Hash = plane.Next;
        var plan = QueryingPlane.Plan("prom:error_rate < 1%", "prom:error_rate > 5%");
        var (good, bad) = (await plane.BeginAsync("good", plan), await plane.BeginAsync("bad", plan));

        await Eventually.BecomesAsync(async () => Text(await plane.LookAsync("bad", bad), "state"), "ROLLED_BACK", Patience);
        await Eventually.BecomesAsync(
            async () =>
            {
                var rollout = await plane.LookAsync("good", good);
                return Text(rollout, "state") == "ROLLED_BACK" ? throw new InvalidOperationException(rollout.ToString()) : rollout.GetProperty("stage_index").GetInt32() > 0;
            },
            true, Patience);

        var why = (await plane.Tenant.GetAsync(bad + "/why")).Expect(200);
        Assert.Equal("rollback.trigger", why["code"].GetString());
        Assert.InRange(why["measured"].GetDouble(), 0.05, 1);
        var advanced = (await plane.Tenant.GetAsync(good + "/events")).Expect(200)["events"].EnumerateArray().First(one => Text(one, "code") == "RWG-001");
        Assert.InRange(advanced.GetProperty("metrics").GetProperty("prom:error_rate").GetDouble(), 0, 0.01);
    }

    [Fact]
    public async Task Its_answers_and_its_refusals_are_understood()
    {
        await using var applications = new Applications { Hash = "a" };
        await applications.StartAsync();
        using var prometheus = await PrometheusServer.StartAsync(applications.Address);
        using var client = new PrometheusClient(new PrometheusSettings { Url = prometheus.Address, AnswerWithin = TimeSpan.FromSeconds(60) });
        await Eventually.BecomesAsync(async () => (await AskAsync("app_requests_total{fleet=\"good\"}")).Code, null);
        var at = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);

        Assert.Equal(new PrometheusAnswer(3, at, null, null), await client.AskAsync("1 + 2", at, TestContext.Current.CancellationToken));
        Assert.Equal(new PrometheusAnswer(3, at, null, null), await client.AskAsync("vector(3)", at, TestContext.Current.CancellationToken));
        Assert.Equal(QueryCodes.Several, (await AskAsync("app_requests_total")).Code);
        Assert.Equal(QueryCodes.Empty, (await AskAsync("app_nobody_total")).Code);
        Assert.Equal(QueryCodes.NotANumber, (await AskAsync("vector(0) / vector(0)")).Code);
        Assert.Equal(QueryCodes.Failed, (await AskAsync("app_requests_total[5m]")).Code);
        var refused = await AskAsync("sum(");
        Assert.Equal(QueryCodes.Failed, refused.Code);
        Assert.Contains("parse error", refused.Detail, StringComparison.Ordinal);

        Task<PrometheusAnswer> AskAsync(string promql) => client.AskAsync(promql, DateTimeOffset.UtcNow, TestContext.Current.CancellationToken);
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var text) ? text.GetString() : null;

    /// <summary>An exporter: of fleet <c>good</c> one request in 1,000 fails, of fleet <c>bad</c> every second.</summary>
    private sealed class Applications : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private long _requests;

        public Applications()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Logging.ClearProviders();
            _app = builder.Build();
            _app.MapGet("/metrics", () => Results.Text(Write(), "text/plain; version=0.0.4"));
        }

        /// <summary>The policy that they serve.</summary>
        public string Hash { get; set; } = "";

        public Uri Address => new(_app.Urls.Single());

        public Task StartAsync() => _app.StartAsync();

        public ValueTask DisposeAsync() => _app.DisposeAsync();

        private string Write()
        {
            var requests = Interlocked.Add(ref _requests, 1_000);
            return string.Concat(Line("requests", "good", requests), Line("errors", "good", requests / 1_000), Line("requests", "bad", requests), Line("errors", "bad", requests / 2));
        }

        private string Line(string what, string fleet, long count) => $"app_{what}_total{{tenant=\"default\",fleet=\"{fleet}\",policy_hash=\"{Hash}\"}} {count}\n";
    }
}
