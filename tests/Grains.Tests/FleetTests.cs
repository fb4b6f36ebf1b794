using System.Collections.Immutable;
using System.Diagnostics;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Settings, registrations, node states, the proof of convergence.</summary>
public class FleetTests(PostgresServer server, ITestOutputHelper output)
{
    [Fact]
    public async Task Nothing_is_known_of_a_fleet_that_is_not_there()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = cluster.FleetGrain;

        Assert.Equal("fleet.unknown", Code(await fleet.GetAsync()));
        Assert.Equal("fleet.unknown", Code(await fleet.NodesAsync()));
        Assert.Equal("fleet.unknown", Code(await fleet.RegisterAsync([new NodeRegistration { Node = "a" }], As("olga"))));
        Assert.Equal("fleet.unknown", Code(await fleet.SetBaselineAsync("1.0.0", "first", As("olga"))));
        Assert.Equal("fleet.settings_invalid", Code(await cluster.ConfigureFleetAsync(new FleetSettings { MaxStalenessSec = 5 })));
        Assert.True(Value(await cluster.ConfigureFleetAsync()).Created);
        Assert.Equal("node.unknown", Code(await fleet.NodeAsync("a")));
        Assert.Equal("node.unknown", Code(await fleet.RemoveAsync("a", As("olga"))));
    }

    [Fact]
    public async Task Settings_change_and_the_same_settings_change_nothing()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        Value(await cluster.ConfigureFleetAsync());

        var changed = Value(await cluster.ConfigureFleetAsync(new FleetSettings { MaxStalenessSec = null }));
        var same = Value(await cluster.ConfigureFleetAsync(new FleetSettings { MaxStalenessSec = null }));

        Assert.False(changed.Created);
        Assert.Null(same.Settings.MaxStalenessSec);
        Assert.Equal(changed.Revision, same.Revision);
    }

    [Fact]
    public async Task A_longer_lease_from_before_is_kept_with_the_settings_by_the_control_plane_alone()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var made = Value(await cluster.ConfigureFleetAsync(new FleetSettings { EarlierLease = new EarlierLease { Until = DateTimeOffset.MaxValue } }));
        var shorter = new FleetSettings { MaxStalenessSec = 20, ReportIntervalSec = 1 };
        var before = cluster.Clock.GetUtcNow();

        var changed = Value(await cluster.ConfigureFleetAsync(shorter));
        var same = Value(await cluster.ConfigureFleetAsync(shorter));

        Assert.Null(made.Settings.EarlierLease);
        Assert.Equal(45, changed.Settings.EarlierLease!.MaxStalenessSec);
        Assert.InRange(changed.Settings.EarlierLease.Until, before + EarlierLease.GrantedOnFor, cluster.Clock.GetUtcNow() + EarlierLease.GrantedOnFor);
        Assert.Equal((changed.Settings, changed.Revision), (same.Settings, same.Revision));
        Assert.Equal(changed.Settings, (await cluster.Store.ReadFleetAsync(Tenant, Fleet))!.Settings);
        Assert.Null(Value(await cluster.ConfigureFleetAsync()).Settings.EarlierLease);
    }

    [Fact]
    public async Task A_fleet_has_one_baseline()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(4);
        var first = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;

        Assert.Equal("fleet.has_baseline", Code(await cluster.FleetGrain.SetBaselineAsync("2.0.0", "again", As("olga"))));
        Assert.Equal(4, fleet.Running(first));
        await cluster.FleetConvergedAsync(fleet, first);
        Assert.Equal(first, (await cluster.Catalog.FindBundleAsync(Tenant, $"tag:golden@{Fleet}"))?.PolicyHash);
    }

    [Fact]
    public async Task A_look_sees_histograms_look_backs_and_both_sides()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(2);
        var at = DateTimeOffset.UtcNow;
        var latency = new MetricValue(10, 500, ImmutableSortedDictionary<string, double>.Empty.Add("20", 2).Add("100", 9).Add("+Inf", 10));
        await cluster.FleetGrain.ReportAsync([
            new HeardNode(Value(await cluster.FleetGrain.NodesAsync())[0].Record.Node, at, new NodeReport
            {
                BootId = "another",
                Seq = 1,
                Epoch = Value(await cluster.FleetGrain.GetAsync()).Directive.Epoch,
                PolicyHash = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash,
                Ack = true,
                Metrics = ImmutableSortedDictionary<string, MetricValue>.Empty.Add("latency_ms", latency),
            }),
        ]);

        var seen = Value(await cluster.FleetGrain.ObserveAsync(
            new FleetWatch(at.AddHours(-1), 0, "p50(latency_ms) > 25 over 15m")
            {
                LookBacks = [new LookBack(TimeSpan.FromMinutes(15), at.AddHours(-1)), new LookBack(TimeSpan.FromMinutes(1), at.AddHours(1))],
                CompareFrom = at.AddHours(-1),
                Terms = new JudgeTerms(1, 60),
            },
            CensusSource.None));

        var total = seen.Cohort["latency_ms"];
        Assert.Equal((10, 500, 1, 25_000), (total.Count, total.Sum, total.Reports, total.Spread));
        Assert.Equal([new MetricBucket(20, 2), new MetricBucket(100, 9)], total.Buckets.AsEnumerable());
        Assert.Equal(10, seen.LookBacks[0].Cohort["latency_ms"].Count);
        Assert.Empty(seen.LookBacks[1].Cohort);
        Assert.Equal(10, seen.Compared!.Cohort["latency_ms"].Count);
        Assert.True(seen.Compared.Rest.IsEmpty && seen.Compared.NewestRestAt is null);
        Assert.NotNull(seen.FiringSince);
    }

    [Fact]
    public async Task A_trigger_about_a_query_fires_since_the_answer_was_heard_that_made_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(2);
        var now = DateTimeOffset.UtcNow;

        Assert.Null((await SeeAsync(0.1, now.AddHours(-2))).FiringSince);

        var firing = await SeeAsync(0.9, now.AddHours(-1));
        Assert.Equal(now.AddHours(-1), firing.FiringSince);
        Assert.Equal(new QueriedMetric(0.9, now, now.AddHours(-1), null), firing.Queried["prom:errors"]);

        // What was heard already while it was quiet did not make it fire.
        Assert.Null((await SeeAsync(0.1, now.AddHours(-1))).FiringSince);
        Assert.NotEqual(now.AddHours(-1), (await SeeAsync(0.9, now.AddHours(-1))).FiringSince);

        async Task<FleetObservation> SeeAsync(double value, DateTimeOffset heardAt) => Value(await cluster.FleetGrain.ObserveAsync(
            new FleetWatch(now.AddHours(-3), 0, "prom:errors > 50%")
            {
                Queried = ImmutableSortedDictionary<string, QueriedMetric>.Empty.Add("prom:errors", new QueriedMetric(value, now, heardAt, null)),
                Terms = new JudgeTerms(1, 3_600),
            },
            CensusSource.None));
    }

    [Fact]
    public async Task Bad_registrations_are_refused_as_a_whole_with_everything_that_is_wrong()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        Value(await cluster.ConfigureFleetAsync());

        var refused = await cluster.FleetGrain.RegisterAsync(
            [new() { Node = "good" }, new() { Node = "Bad Name" }, new() { Node = "twice" }, new() { Node = "twice" }, new() { Node = "pair", ParityGroup = "G" }],
            As("olga"));

        Assert.Equal(["name.invalid", "node.duplicate", "name.invalid"], refused.Problems.Select(problem => problem.Code));
        Assert.Empty(Value(await cluster.FleetGrain.NodesAsync()));
    }

    [Fact]
    public async Task A_node_keeps_its_number_until_it_changes_its_domain()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        Value(await cluster.ConfigureFleetAsync());
        var first = await RegisterAsync(cluster, new NodeRegistration { Node = "a" });

        var again = await RegisterAsync(cluster, new NodeRegistration { Node = "a" });
        var moved = await RegisterAsync(cluster, new NodeRegistration { Node = "a", FailureDomain = "zone-2" });

        Assert.Equal(first.Registration, again.Registration);
        Assert.True(moved.Registration > first.Registration);
        var entries = await cluster.Audit.ReadAsync(Tenant, 0, 100);
        Assert.Equal(2, entries.Count(entry => entry.Draft.Action == "node.registered"));
    }

    [Fact]
    public async Task Registrations_that_come_together_share_transactions()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        Value(await cluster.ConfigureFleetAsync());

        var records = await Task.WhenAll(Enumerable.Range(0, 500).Select(i =>
            RegisterAsync(cluster, new NodeRegistration { Node = $"n{i}" }, As($"node-key-{i}"))));

        Assert.Equal(500, records.Select(record => record.Registration).Distinct().Count());
        var entries = (await cluster.Audit.ReadAsync(Tenant, 0, 1000)).Where(entry => entry.Draft.Action == "node.registered").ToList();
        Assert.True(entries.Count < 100, $"{entries.Count} transactions");
        Assert.Equal(500, entries.Sum(entry => int.Parse(entry.Draft.Detail!["count"], null)));
        Assert.Contains(entries, entry => entry.Draft.Actor == "several" && entry.Draft.Detail!["by"].Contains("node-key-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ten_thousand_nodes_register_at_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        Value(await cluster.ConfigureFleetAsync());
        var nodes = Enumerable.Range(0, 10_000).Select(i => new NodeRegistration { Node = $"n{i}", FailureDomain = $"zone-{i % 5}" }).ToImmutableArray();

        var started = Stopwatch.GetTimestamp();
        var records = Value(await cluster.FleetGrain.RegisterAsync(nodes, As("relay")));

        output.WriteLine($"10,000 registrations in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.00} s");
        Assert.Equal(10_000, records.Length);
        Assert.Equal(nodes.Select(node => node.Node), records.Select(record => record.Node));
        Assert.Equal("node.batch_size", Code(await cluster.FleetGrain.RegisterAsync(nodes.Add(new NodeRegistration { Node = "more" }), As("relay"))));
    }

    [Fact]
    public async Task A_node_is_live_then_silent_then_fenced_then_gone()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(4);
        var hash = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        await cluster.FleetConvergedAsync(fleet, hash);
        Assert.Equal(NodeState.Live, await StateAsync(cluster));

        cluster.Clock.Skip(TimeSpan.FromSeconds(25));
        Assert.Equal(NodeState.Silent, await StateAsync(cluster));
        Assert.Equal(4, Value(await cluster.FleetGrain.ConvergenceAsync(hash)).Unknown.Length);
        cluster.Clock.Skip(TimeSpan.FromSeconds(24));
        Assert.Equal(NodeState.Fenced, await StateAsync(cluster));
        Assert.Equal(4, Value(await cluster.FleetGrain.GetAsync()).Nodes["fenced"]);
        cluster.Clock.Skip(TimeSpan.FromHours(24));
        Assert.Equal(NodeState.Left, await StateAsync(cluster));
        Assert.Equal(0, Value(await cluster.FleetGrain.ConvergenceAsync(hash)).Total);
    }

    [Fact]
    public async Task A_removed_node_hears_that_it_is_unknown()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(4);

        Value(await cluster.FleetGrain.RemoveAsync("node-000", As("olga")));

        await UntilAsync(
            async () => await cluster.Feeds().WaitAsync(Tenant, Fleet, "node-000", null, TimeSpan.Zero) is Silo.Feed.FeedAnswer.Refused { Code: "node.unknown" },
            "the feed forgot the node");
        Assert.Equal(3, Value(await cluster.FleetGrain.NodesAsync()).Length);
        Assert.Equal(4, fleet.Nodes.Length);
    }

    [Fact]
    public async Task A_node_that_joins_during_a_rollout_runs_the_fallback()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        var old = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        Value(await cluster.StartAsync("r1"));

        var joined = Enumerable.Range(0, 50).Select(i => new NodeRegistration { Node = $"late-{i}", FailureDomain = "zone-0" }).ToImmutableArray();
        Value(await cluster.FleetGrain.RegisterAsync(joined, As("olga")));

        foreach (var node in joined)
        {
            var answer = await cluster.Feeds().WaitAsync(Tenant, Fleet, node.Node, null, TimeSpan.Zero);
            Assert.Equal(old, Assert.IsType<Silo.Feed.FeedAnswer.Changed>(answer).Directive.PolicyHash);
        }

        Assert.Equal(2, (await cluster.GetAsync("r1")).Nodes!.Assigned);
    }

    private static async Task<NodeState> StateAsync(PolicyCluster cluster) => Value(await cluster.FleetGrain.NodeAsync("node-000")).State;

    private static async Task<NodeRecord> RegisterAsync(PolicyCluster cluster, NodeRegistration node, Caller? caller = null) =>
        Assert.Single(Value(await cluster.FleetGrain.RegisterAsync([node], caller ?? As("olga"))));
}
