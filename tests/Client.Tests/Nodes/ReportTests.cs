using Microsoft.AspNetCore.Http;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client.Tests.Nodes;

public sealed class ReportTests
{
    [Fact]
    public async Task Every_decision_is_counted_exactly_once_however_many_reports_fail()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        var chance = new Random(7);
        var (lost, refused) = (0, 0);
        test.Plane.Intercept = async http =>
        {
            if (!http.Request.Path.Value!.EndsWith("/report", StringComparison.Ordinal))
            {
                return false;
            }

            switch (chance.Next(3))
            {
                case 0:
                    // Not taken at all.
                    refused++;
                    await FakeControlPlane.Problem(503, "store.unavailable").ExecuteAsync(http);
                    return true;
                case 1:
                    // Taken, but the answer never arrives.
                    lost++;
                    await test.Plane.TakeReportAsync(http);
                    http.Abort();
                    return true;
                default:
                    return false;
            }
        };
        const int allowed = 900, denied = 300;
        for (var i = 0; i < allowed + denied; i++)
        {
            node.Decide(i % 4 == 0 ? "write" : "read", NodeUnderTest.Nothing);
            if (i % 12 == 0)
            {
                await Task.Delay(10);
            }
        }

        await Eventually.Holds(() => lost > 2 && refused > 2);
        test.Plane.Intercept = null;
        await Eventually.Holds(() => Sum("decisions").Count == allowed + denied);
        Assert.Equal((allowed + denied, allowed + denied), Sum("decisions"));
        Assert.Equal((allowed + denied, denied), Sum("deny_rate"));
        Assert.Equal((allowed + denied, 0), Sum("error_rate"));
        Assert.Equal(allowed + denied, Sum("decision_us").Count);
        Assert.InRange(Sum("decision_us").Total, 1, 10_000_000);

        (double Count, double Total) Sum(string name) => (
            test.Plane.Reports.Sum(r => r.Metrics.GetValueOrDefault(name)?.Count ?? 0),
            test.Plane.Reports.Sum(r => r.Metrics.GetValueOrDefault(name)?.Sum ?? 0));
    }

    [Fact]
    public async Task Reports_of_a_boot_are_numbered_from_one_without_a_gap()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        await Eventually.Holds(() => test.Plane.Reports.Count >= 4);
        var reports = test.Plane.Reports.ToArray();
        Assert.Single(reports.Select(r => r.BootId).Distinct());
        Assert.Equal(Enumerable.Range(1, reports.Length).Select(i => (long)i), reports.Select(r => r.Seq));
    }

    [Fact]
    public async Task Refusals_are_no_samples_of_a_bundle()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await PolicyNode.StartAsync(test.Options);
        Assert.False(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Metrics.ContainsKey("refused")));
        Assert.DoesNotContain(test.Plane.Reports, r => r.Metrics.ContainsKey("decisions"));
    }

    [Fact]
    public async Task The_application_adds_metrics_of_its_own()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        Assert.True(node.Record("upstream_ms", 12));
        Assert.True(node.Record("upstream_ms", 30));
        Assert.False(node.Record("upstream_ms", double.NaN));
        Assert.False(node.Record("upstream_ms", double.PositiveInfinity));
        Assert.False(node.Record("", 1));
        for (var i = 0; i < 100; i++)
        {
            node.Record($"own_{i}", i);
        }

        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Metrics.ContainsKey("upstream_ms")));
        var sent = test.Plane.Reports.Where(r => r.Metrics.ContainsKey("upstream_ms")).Select(r => r.Metrics["upstream_ms"]).ToArray();
        Assert.Equal((2d, 42d), (sent.Sum(m => m.Count), sent.Sum(m => m.Sum)));
        Assert.All(test.Plane.Reports, report => Assert.Null(ReportRules.Check(report)));
    }

    [Fact]
    public async Task The_last_numbers_are_told_when_a_node_stops()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { ReportIntervalSec = 7 });
        var node = await test.ServingAsync(test.Publish("1.0.0"));
        for (var i = 0; i < 10; i++)
        {
            node.Decide("read", NodeUnderTest.Nothing);
        }

        await node.DisposeAsync();
        Assert.Equal(10, test.Plane.Reports.Sum(r => r.Metrics.GetValueOrDefault("decisions")?.Count ?? 0));
    }

    [Fact]
    public async Task A_forgotten_node_registers_again()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        var forgotten = true;
        test.Plane.Intercept = async http =>
        {
            if (http.Request.Method == "PUT")
            {
                forgotten = false;
            }

            if (forgotten)
            {
                await FakeControlPlane.Problem(404, "node.unknown").ExecuteAsync(http);
            }

            return forgotten;
        };
        await Eventually.Holds(() => test.Plane.Requests.Count(r => r.StartsWith("PUT", StringComparison.Ordinal)) == 2);
    }

    [Fact]
    public async Task Waits_between_failed_attempts_grow_and_differ()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(
            test.Publish("1.0.0"),
            test.Options with { Backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(800)) });
        var polls = new List<long>();
        test.Plane.Intercept = async (HttpContext http) =>
        {
            if (http.Request.Path.Value!.EndsWith("/directive", StringComparison.Ordinal))
            {
                lock (polls)
                {
                    polls.Add(Environment.TickCount64);
                }
            }

            await FakeControlPlane.Problem(503, "lease.unavailable").ExecuteAsync(http);
            return true;
        };
        test.Plane.Change(d => d);
        await Eventually.Holds(() => polls.Count >= 7);
        var waits = polls.Zip(polls.Skip(1), (a, b) => b - a).ToArray();
        Assert.True(waits[0] < waits[4], string.Join(", ", waits));
        Assert.All(waits[4..6], wait => Assert.InRange(wait, 350, 60_000));
    }
}
