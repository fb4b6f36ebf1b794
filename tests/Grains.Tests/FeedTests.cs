using System.Collections.Immutable;
using System.Diagnostics;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>What nodes hear, and when.</summary>
public class FeedTests(PostgresServer server)
{
    [Fact]
    public async Task Who_has_nothing_hears_at_once_and_who_has_the_newest_hears_304_after_the_wait()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(2);
        var bundle = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!;

        var first = Assert.IsType<FeedAnswer.Changed>(await cluster.Feeds().WaitAsync(Tenant, Fleet, "node-000", null, TimeSpan.FromSeconds(5)));
        var started = Stopwatch.GetTimestamp();
        var second = await cluster.Feeds().WaitAsync(Tenant, Fleet, "node-000", first.ETag, TimeSpan.FromSeconds(1));

        Assert.Equal(bundle.PolicyHash, first.Directive.PolicyHash);
        Assert.Equal("1.0.0", first.Directive.Version);
        Assert.Equal(45, first.Directive.LeaseSec);
        Assert.Equal($"/v1/default/bundles/{bundle.PolicyHash}/content", first.Directive.ContentUrl);
        Assert.Equal(new FeedAnswer.Unchanged(first.ETag, 45), second);
        Assert.True(Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(0.9));
    }

    [Fact]
    public async Task A_change_wakes_everybody_who_waits()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        var polls = await WaitAllAsync(cluster, fleet);

        var started = Stopwatch.GetTimestamp();
        Value(await cluster.StartAsync("r1"));
        var answers = await Task.WhenAll(polls);

        Assert.All(answers, answer => Assert.IsType<FeedAnswer.Changed>(answer));
        Assert.Equal(5, answers.Cast<FeedAnswer.Changed>().Count(answer => answer.Directive.FallbackHash is not null));
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(6.5));
    }

    [Fact]
    public async Task Nodes_that_run_the_same_hear_the_very_same_bytes()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(2);

        var one = Assert.IsType<FeedAnswer.Changed>(await cluster.Feeds().WaitAsync(Tenant, Fleet, "node-000", null, TimeSpan.Zero));
        var other = Assert.IsType<FeedAnswer.Changed>(await cluster.Feeds().WaitAsync(Tenant, Fleet, "node-001", null, TimeSpan.Zero));

        Assert.Same(one, other);
    }

    [Fact]
    public async Task New_settings_change_the_answer()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(2);
        var polls = await WaitAllAsync(cluster, fleet);

        Value(await cluster.ConfigureFleetAsync(new FleetSettings { ReportIntervalSec = 1 }));

        Assert.All(await Task.WhenAll(polls), answer => Assert.Equal(1, Assert.IsType<FeedAnswer.Changed>(answer).Directive.ReportIntervalSec));
    }

    [Fact]
    public async Task Unknown_fleets_and_nodes_are_404_with_their_codes()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var nowhere = await cluster.Feeds().WaitAsync(Tenant, "nowhere", "a", null, TimeSpan.Zero);
        Value(await cluster.ConfigureFleetAsync());
        var nobody = await cluster.Feeds().WaitAsync(Tenant, Fleet, "nobody", null, TimeSpan.Zero);

        Assert.Equal((404, "fleet.unknown"), CodeOf(nowhere));
        Assert.Equal((404, "node.unknown"), CodeOf(nobody));
        Assert.Equal("node.unknown", Code(await cluster.Feeds().ServingAsync(Tenant, Fleet, "nobody")));
    }

    [Fact]
    public async Task A_node_that_registered_a_moment_ago_is_known()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(1);
        for (var i = 0; i < 20; i++)
        {
            Value(await cluster.FleetGrain.RegisterAsync([new NodeRegistration { Node = $"new-{i}" }], As("olga")));
            Assert.IsType<FeedAnswer.Changed>(await cluster.Feeds().WaitAsync(Tenant, Fleet, $"new-{i}", null, TimeSpan.Zero));
        }
    }

    [Fact]
    public async Task A_report_that_cannot_be_read_is_refused_and_an_older_one_ignored()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(1);
        var hash = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        var report = new NodeReport { BootId = "later", Seq = 5, Epoch = 1, PolicyHash = hash, Ack = true };

        var nan = report with { Metrics = Metric("error_rate", new MetricValue(1, double.NaN)) };
        var negative = report with { Metrics = Metric("decisions", new MetricValue(-1, 0)) };
        Assert.Equal((400, "report.invalid"), CodeOf((await SendAsync(cluster, nan)).Answer));
        Assert.Equal((400, "report.invalid"), CodeOf((await SendAsync(cluster, negative)).Answer));
        Assert.Null((await SendAsync(cluster, report)).Note);
        Assert.Equal("report.stale", (await SendAsync(cluster, report with { Seq = 4, PolicyHash = new string('b', 64) })).Note);
        Assert.Equal("report.stale", (await SendAsync(cluster, report)).Note);

        var serving = Value(await cluster.Feeds().ServingAsync(Tenant, Fleet, "node-000"));
        Assert.Equal((hash, true, NodeState.Live), (serving.PolicyHash, serving.Allowed, serving.State));
    }

    [Fact]
    public async Task A_relay_reports_for_many_and_hears_the_whole_directive()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(2);
        var hash = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        var report = new NodeReport { BootId = "later", Seq = 1, Epoch = 1, PolicyHash = hash, Ack = true };

        var answer = await cluster.Feeds().ReportManyAsync(
            Tenant, Fleet, [new("node-000", report), new("node-000", report), new("nobody", report), new("node-001", report with { Seq = -1 })]);

        Assert.Null(answer.Refused);
        Assert.Equal((hash, 45), (answer.Directive!.Target, answer.LeaseSec));
        Assert.Equal(
            [new("node-000", "report.stale"), new("nobody", "node.unknown"), new("node-001", "report.invalid")], answer.Rejected);
    }

    [Fact]
    public async Task Another_silo_answers_under_what_the_node_told_this_one()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 2);
        var fleet = await cluster.PrepareFleetAsync(2);
        var hash = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        await cluster.FleetConvergedAsync(fleet, hash);

        var serving = Value(await cluster.Feeds(1).ServingAsync(Tenant, Fleet, "node-000"));

        Assert.Equal((hash, true, NodeState.Live), (serving.PolicyHash, serving.Allowed, serving.State));
    }

    [Fact]
    public async Task A_stream_hears_of_a_change_but_is_no_sign_of_life()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        Value(await cluster.FleetGrain.RegisterAsync([new NodeRegistration { Node = "quiet" }], As("olga")));
        var first = Assert.IsType<FeedAnswer.Changed>(await cluster.Feeds().WatchAsync(Tenant, Fleet, "quiet", null, TimeSpan.Zero));
        var next = cluster.Feeds().WatchAsync(Tenant, Fleet, "quiet", first.ETag, TimeSpan.FromSeconds(7));

        Value(await cluster.StartAsync("r1"));

        Assert.NotEqual(first.ETag, Assert.IsType<FeedAnswer.Changed>(await next).ETag);
        await fleet.PassAsync("r1", TimeSpan.Zero);
        Assert.Null(Value(await cluster.FleetGrain.NodeAsync("quiet")).LastHeardAt);
    }

    [Fact]
    public async Task A_thousand_polls_cost_the_store_one_reader()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(1_000);
        var polls = await WaitAllAsync(cluster, fleet);
        await using (var extension = cluster.DataSource.CreateCommand("CREATE EXTENSION IF NOT EXISTS pg_stat_statements"))
        {
            await extension.ExecuteNonQueryAsync();
        }

        var before = await StatementsAsync(cluster);
        await Task.Delay(TimeSpan.FromSeconds(3));
        var spent = await StatementsAsync(cluster) - before;

        Assert.InRange(spent, 1, 6);
        Value(await cluster.StartAsync("r1"));
        Assert.All(await Task.WhenAll(polls), answer => Assert.IsType<FeedAnswer.Changed>(answer));
    }

    [Fact]
    public async Task What_a_node_says_while_its_fleet_cannot_be_read_is_heard_once_it_can()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(2);
        var report = new NodeReport
        {
            BootId = "outage",
            Seq = 1,
            Epoch = Value(await cluster.FleetGrain.GetAsync()).Directive.Epoch,
            PolicyHash = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash,
            Ack = true,
            Metrics = Metric("odd", new MetricValue(7, 7)),
        };
        var tries = 0;
        cluster.Faults.BeforeFleetRead = () =>
        {
            Interlocked.Increment(ref tries);
            throw new StoreUnavailableException("The store is away.");
        };
        Assert.Equal(CommonCodes.StoreUnavailable, Code(await cluster.FleetGrain.ReadAsync(0)));
        Assert.Null(await cluster.FleetGrain.ReportAsync([new HeardNode("node-001", DateTimeOffset.UtcNow, report)]));

        await SendAsync(cluster, report);
        await UntilAsync(() => Task.FromResult(Volatile.Read(ref tries) >= 4), "the feed hands it over in vain");
        cluster.Faults.BeforeFleetRead = () => Task.CompletedTask;

        await UntilAsync(async () => await CountAsync() > 0, "the fleet heard the sample");
        Assert.Equal(7, await CountAsync());

        async Task<double> CountAsync() =>
            Value(await cluster.FleetGrain.ObserveAsync(new FleetWatch(DateTimeOffset.UtcNow.AddHours(-1), 0), CensusSource.None)).Cohort.GetValueOrDefault("odd")?.Count ?? 0;
    }

    private static async Task<List<Task<FeedAnswer>>> WaitAllAsync(PolicyCluster cluster, SimulatedFleet fleet)
    {
        var tags = new List<(string Node, string ETag)>();
        foreach (var node in fleet.Nodes)
        {
            var answer = await cluster.Feeds().WaitAsync(Tenant, Fleet, node.Name, null, TimeSpan.Zero);
            tags.Add((node.Name, Assert.IsType<FeedAnswer.Changed>(answer).ETag));
        }

        return [.. tags.Select(tag => cluster.Feeds().WaitAsync(Tenant, Fleet, tag.Node, tag.ETag, TimeSpan.FromSeconds(7)))];
    }

    private static Task<FeedReportAnswer> SendAsync(PolicyCluster cluster, NodeReport report) =>
        cluster.Feeds().ReportAsync(Tenant, Fleet, "node-000", report);

    private static ImmutableSortedDictionary<string, MetricValue> Metric(string name, MetricValue value) =>
        ImmutableSortedDictionary<string, MetricValue>.Empty.Add(name, value);

    private static (int Status, string Code) CodeOf(FeedAnswer answer)
    {
        var refused = Assert.IsType<FeedAnswer.Refused>(answer);
        return (refused.Status, refused.Code);
    }

    private static async Task<long> StatementsAsync(PolicyCluster cluster)
    {
        await using var command = cluster.DataSource.CreateCommand(
            """
            SELECT coalesce(sum(s.calls), 0)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
            WHERE d.datname = current_database() AND s.query LIKE '%fleet_directive%'
            """);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
