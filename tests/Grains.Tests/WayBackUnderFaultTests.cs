using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>The way back, while something dies at the worst moment.</summary>
public class WayBackUnderFaultTests(PostgresServer server)
{
    private const int Nodes = 40;

    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(new FleetSettings().MaxStalenessSec!.Value);

    // The deadline's 60 s leave 12 when every lease has had its 48 s; the benchmark rollback-kill measures what is used of them. Here a busy
    // machine has room: what nobody took over would not be durable at all.
    private static readonly TimeSpan DurableWithin = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_grain_that_hangs_at_the_decision_is_decided_for_by_a_scanner()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await StageAsync(cluster);
        var hung = 0;
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Faults.BeforeCommit = (_, change) =>
            IsRollback(change) && Interlocked.Increment(ref hung) == 1 ? released.Task : Task.CompletedTask;

        await TurnBadAsync(cluster, fleet);
        var back = await OverAsync(cluster, fleet, "r1");

        Assert.True(hung > 1);
        Assert.True(back.DurableAt - back.DetectedAt <= DurableWithin, $"{back.DurableAt - back.DetectedAt}");
        await OnceAsync(cluster, fleet);

        // When it comes to itself its decision is stale, and changes nothing.
        released.SetResult();
        await UntilAsync(async () => (await cluster.Grains.Rollout(Tenant, "r1").GetAsync()).Succeeded, "the grain answers again");
        await OnceAsync(cluster, fleet);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_silo_that_is_killed_at_the_decision_of_three_leaves_it_to_the_others(bool afterCommit)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 3);
        var fleet = await StageAsync(cluster);
        var killed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<string, PolicyChange, Task> die = (silo, change) =>
            IsRollback(change) && killed.TrySetResult(silo) ? Task.Delay(Timeout.Infinite) : Task.CompletedTask;
        if (afterCommit)
        {
            cluster.Faults.AfterCommit = die;
        }
        else
        {
            cluster.Faults.BeforeCommit = die;
        }

        var bad = TurnBadAsync(cluster, fleet);
        var victim = await killed.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var killedAt = cluster.Clock.GetUtcNow();
        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos.Single(silo => silo.Name == victim));
        await IgnoringTheDeadAsync(() => bad);
        var back = await OverAsync(cluster, fleet, "r1");

        Assert.True(back.DurableAt - killedAt <= DurableWithin, $"{back.DurableAt - killedAt}");
        await OnceAsync(cluster, fleet);
    }

    [Fact]
    public async Task A_database_that_is_away_for_ten_seconds_at_the_decision_costs_no_more_than_that()
    {
        using var folder = new TemporaryFolder();
        await using var postgres = await PrivatePostgres.StartAsync(new PrivatePostgresOptions { DataFolder = folder.Path });
        await new SchemaMigrator(postgres.ConnectionString, SchemaStep.Embedded(), NullLogger.Instance).MigrateAsync();
        await using var cluster = await StartAsync(postgres.ConnectionString);
        var fleet = await StageAsync(cluster);
        var away = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (IsRollback(change) && !away.Task.IsCompleted)
            {
                await postgres.SuspendAsync();
                away.TrySetResult();
            }
        };

        var bad = TurnBadAsync(cluster, fleet);
        await away.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await Task.Delay(TimeSpan.FromSeconds(10));
        await postgres.ResumeAsync();
        await bad;
        var back = await OverAsync(cluster, fleet, "r1");

        Assert.True(back.DurableAt - back.DetectedAt <= DurableWithin, $"{back.DurableAt - back.DetectedAt}");
        await OnceAsync(cluster, fleet);
    }

    [Fact]
    public async Task Nodes_that_never_answer_are_fenced_by_time_and_the_bound_holds()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await StageAsync(cluster);
        Value(await cluster.Grains.Rollout(Tenant, "f1").FastTrackAsync(new FastTrackFleet(Fleet, null, false, "back"), As("olga")));
        var speaking = fleet.Nodes.RemoveRange(0, Nodes / 20);
        var old = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        async Task SpeakAsync() => await Task.WhenAll(speaking.Select(node => node.SpeakAsync(cluster.Feeds())));
        await UntilAsync(
            async () =>
            {
                await SpeakAsync();
                return (await cluster.GetAsync("f1")).Rollback!.Nodes is { Waiting: 2 };
            },
            "all but the mute ones are back");

        cluster.Clock.Skip(TimeSpan.FromSeconds(40));
        await SpeakAsync();
        Assert.True((await cluster.GetAsync("f1")).Rollback is { OverAt: null, Nodes.Fenced: 0 });
        cluster.Clock.Skip(TimeSpan.FromSeconds(8));
        await UntilAsync(
            async () =>
            {
                await SpeakAsync();
                return (await cluster.GetAsync("f1")).Rollback!.OverAt is not null;
            },
            "the mute ones are fenced");

        var back = (await cluster.GetAsync("f1")).Rollback!;
        Assert.Equal((Nodes, Nodes - 2, 2), (back.Nodes!.Nodes, back.Nodes.Acked, back.Nodes.Fenced));
        Assert.Equal(["node-000", "node-001"], back.Nodes.FencedNodes);
        Assert.InRange(back.OverMs!.Value, 1, 60_000);
        Assert.False(back.Overdue);
        Assert.Equal(38, speaking.Count(node => node.Running == old));
    }

    [Fact]
    public async Task A_control_plane_that_starts_anew_counts_again_and_fences_by_time_alone()
    {
        var database = await server.CreateDatabaseAsync();
        DateTimeOffset decided;
        await using (var before = await StartAsync(database))
        {
            var fleet = await StageAsync(before);
            Value(await before.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga")));
            decided = (await before.GetAsync("r1")).Rollback!.DecidedAt;
            await UntilAsync(async () => (await before.Store.ReadRolloutAsync(Tenant, "r1"))!.Return!.DurableAt is not null, "known to be durable");
        }

        await using var after = await StartAsync(database);
        Assert.Equal("rollout.in_flight", Code(await after.StartAsync("r2")));
        var view = (await after.GetAsync("r1")).Rollback!;
        Assert.Equal((decided, 5), (view.DecidedAt, view.Nodes!.Waiting));
        after.Clock.Skip(TimeSpan.FromSeconds(48));
        await UntilAsync(async () => (await after.Store.ReadRolloutAsync(Tenant, "r1"))!.IsFinal, "nobody can serve it any more");

        var over = (await after.Store.ReadRolloutAsync(Tenant, "r1"))!.Return!;
        Assert.Equal((5, 5), (over.Nodes!.Nodes, over.Nodes.Fenced));
        Assert.True(over.OverAt - over.DetectedAt <= TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_node_that_is_taken_out_is_waited_for_until_its_lease_has_ended()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var leasedAfter = cluster.Clock.GetUtcNow();
        var fleet = await StageAsync(cluster);
        var target = (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
        var holder = fleet.Nodes.First(node => node.Running == target);
        await UntilAsync(
            async () =>
            {
                await Task.WhenAll(fleet.Nodes.Select(node => node.SpeakAsync(cluster.Feeds())));
                return (await cluster.GetAsync("r1")).Nodes?.Acked == 5;
            },
            "what is in the stage has ACKed, the node among them");
        Value(await cluster.FleetGrain.RemoveAsync(holder.Name, As("olga")));
        Value(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga")));
        var others = fleet.Nodes.Remove(holder);
        async Task<RollbackView> LookAsync()
        {
            await Task.WhenAll(others.Select(node => node.SpeakAsync(cluster.Feeds())));
            var back = (await cluster.GetAsync("r1")).Rollback!;
            Assert.True(back.OverAt is null || back.OverAt - leasedAfter >= Lease, "The way back was over while the node that was taken out had its lease.");
            return back;
        }

        // On a machine that is slow enough the lease has ended by then.
        await UntilAsync(async () => await LookAsync() is { Nodes.Acked: 4 }, "all but one are back");
        Assert.All((await LookAsync()).Nodes!.WaitingNodes, node => Assert.Equal(holder.Name, node));
        cluster.Clock.Skip(TimeSpan.FromSeconds(48));
        await UntilAsync(async () => (await LookAsync()).OverAt is not null, "its lease has ended");
    }

    [Fact]
    public async Task A_node_that_is_taken_out_is_waited_for_by_a_control_plane_that_starts_anew()
    {
        var database = await server.CreateDatabaseAsync();
        DateTimeOffset leasedAfter;
        SimulatedFleet fleet;
        SimulatedNode holder;
        await using (var before = await StartAsync(database))
        {
            leasedAfter = before.Clock.GetUtcNow();
            fleet = await StageAsync(before);
            var target = (await before.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash;
            holder = fleet.Nodes.First(node => node.Running == target);
            Value(await before.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga")));
            Value(await before.FleetGrain.RemoveAsync(holder.Name, As("olga")));
            await UntilAsync(async () => (await before.Store.ReadRolloutAsync(Tenant, "r1"))!.Return!.DurableAt is not null, "known to be durable");

            // Whoever looks without the fleet's grain counts it too.
            var looks = before.Silos.Silos[0].ServiceProvider.GetRequiredService<RolloutLooks>();
            Assert.Equal(5, Value(await looks.DecideFromStoreAsync((await before.Store.ReadRolloutAsync(Tenant, "r1"))!)).Seen.Return!.Nodes);
        }

        await using var after = await StartAsync(database);
        var others = fleet.Nodes.Remove(holder);
        async Task<RollbackView> LookAsync()
        {
            await Task.WhenAll(others.Select(node => node.SpeakAsync(after.Feeds())));
            var back = (await after.GetAsync("r1")).Rollback!;
            Assert.True(back.OverAt is null || back.OverAt - leasedAfter >= Lease, "The way back was over while the node that was taken out had its lease.");
            return back;
        }

        // On a machine that is slow enough the lease has ended by then.
        await UntilAsync(async () => await LookAsync() is { Nodes.Acked: 4 } or { OverAt: not null }, "all but one are back");
        after.Clock.Skip(TimeSpan.FromSeconds(48));
        await UntilAsync(async () => (await LookAsync()).OverAt is not null, "its lease has ended");
    }

    [Fact]
    public async Task A_way_back_beyond_its_deadline_says_so_and_goes_on()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await StageAsync(cluster, new FleetSettings { MaxStalenessSec = null, ReportIntervalSec = 0.5 });
        Value(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("no", As("olga")));
        cluster.Clock.Skip(TimeSpan.FromSeconds(61));
        await UntilAsync(async () => (await cluster.GetAsync("r1")).Why.Code == RolloutReasons.Overdue, "it says so");
        var back = await OverAsync(cluster, fleet, "r1");

        Assert.True(back.Overdue);
        Assert.Equal(RolloutReasons.RolledBackByOperator, (await cluster.GetAsync("r1")).Why.Code);
        var actions = (await cluster.Audit.ReadAsync(Tenant, 0, 1000)).Select(entry => entry.Draft.Action).Where(action => action.StartsWith("rollback.", StringComparison.Ordinal));
        Assert.Equal(["rollback.overdue", "rollback.over"], actions);
    }

    [Fact]
    public async Task A_node_that_was_cut_off_when_leases_were_switched_on_is_waited_for_until_it_speaks()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(Nodes);
        Value(await cluster.ConfigureFleetAsync(new FleetSettings { MaxStalenessSec = null, ReportIntervalSec = 0.5 }));
        await fleet.SpeakAsync();
        Value(await cluster.ConfigureFleetAsync());
        cluster.Clock.Skip(EarlierLease.GrantedOnFor);
        var cutOff = fleet.Nodes[0];
        var others = fleet.Nodes.RemoveAt(0);
        async Task<RollbackView> LookAsync()
        {
            await Task.WhenAll(others.Select(node => node.SpeakAsync(cluster.Feeds())));
            await cluster.Grains.Rollout(Tenant, "f1").LookAsync();
            return (await cluster.GetAsync("f1")).Rollback!;
        }

        Value(await cluster.StartAsync("r1"));
        Value(await cluster.Grains.Rollout(Tenant, "f1").FastTrackAsync(new FastTrackFleet(Fleet, null, false, "back"), As("olga")));
        await UntilAsync(async () => await LookAsync() is { Nodes.Acked: Nodes - 1 }, "all others are back");

        cluster.Clock.Skip(TimeSpan.FromMinutes(10));
        await UntilAsync(async () => await LookAsync() is { Overdue: true }, "it takes too long");
        Assert.True(await LookAsync() is { OverAt: null, Nodes: { Fenced: 0, WaitingNodes: [var waiting] } } && waiting == cutOff.Name);

        await UntilAsync(
            async () =>
            {
                await cutOff.SpeakAsync(cluster.Feeds());
                return await LookAsync() is { OverAt: not null };
            },
            "it has spoken");
        Assert.Equal(0, (await cluster.GetAsync("f1")).Rollback!.Nodes!.Fenced);
    }

    private static async Task<SimulatedFleet> StageAsync(PolicyCluster cluster, FleetSettings? settings = null)
    {
        var fleet = await cluster.PrepareFleetAsync(Nodes);
        if (settings is not null)
        {
            Value(await cluster.ConfigureFleetAsync(settings));
        }

        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakUntilAsync((await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash, 5);
        return fleet;
    }

    // The nodes report errors until the decision is durable, whoever of the control plane lives.
    private static async Task TurnBadAsync(PolicyCluster cluster, SimulatedFleet fleet)
    {
        var old = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        foreach (var node in fleet.Nodes)
        {
            node.ErrorRate = hash => hash == old ? 0 : 1;
        }

        await UntilAsync(
            async () =>
            {
                await IgnoringTheDeadAsync(() => fleet.SpeakAsync());
                return await ReadAsync(cluster, "r1") is { Phase: RolloutPhase.RolledBack };
            },
            "the trigger took it back");
    }

    // Read from the store: the grain may be the one that hangs.
    private static async Task<RollbackView> OverAsync(PolicyCluster cluster, SimulatedFleet fleet, string id)
    {
        await UntilAsync(
            async () =>
            {
                await IgnoringTheDeadAsync(() => fleet.SpeakAsync());
                return await ReadAsync(cluster, id) is { IsFinal: true };
            },
            $"the way back of {id} is over");
        var back = (await ReadAsync(cluster, id))!.Return!;
        return RollbackView.Of(back, back.Nodes);
    }

    private static async Task OnceAsync(PolicyCluster cluster, SimulatedFleet fleet)
    {
        var old = (await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash;
        Assert.Equal(Nodes, fleet.Running(old));
        Assert.Single(await cluster.Audit.ReadAsync(Tenant, 0, 1000), entry => entry.Draft.Code == RolloutCodes.RolledBack);
        Assert.True(OrleansPolicy.Audit.AuditChain.Verify(await cluster.Audit.ReadAsync(Tenant, 0, 1000)).Valid);
    }

    private static async Task<RolloutState?> ReadAsync(PolicyCluster cluster, string id)
    {
        try
        {
            return await cluster.Store.ReadRolloutAsync(Tenant, id);
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }

    private static async Task IgnoringTheDeadAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException or ObjectDisposedException or OperationCanceledException or StoreUnavailableException)
        {
            await Task.Delay(50);
        }
    }

    private static bool IsRollback(PolicyChange change) =>
        change is { Rollout.State: { Phase: RolloutPhase.RolledBack, Return.DurableAt: null }, Directive: not null };
}
