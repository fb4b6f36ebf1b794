using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Parity groups on real silos and a real database: whatever fails, no two members ever serve under different hashes.</summary>
public class ParityTests(PostgresServer server)
{
    private static readonly TimeSpan Fence = TimeSpan.FromSeconds(45 + 3);

    [Fact]
    public async Task Groups_go_forward_and_back_as_one_and_their_rows_are_gone_afterwards()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 5);
        var phases = new List<(ParityPhase, string)>();
        cluster.Faults.AfterCommit = (_, change) =>
        {
            lock (phases)
            {
                phases.AddRange((change.Parity?.Put ?? []).Select(put => (put.Phase, put.Group)));
            }

            return Task.CompletedTask;
        };

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.Second);

        Assert.Empty(await fleet.SwitchesAsync());
        Assert.Equal(
            ["pair-00", "pair-01", "pair-02", "pair-03", "pair-04"],
            phases.Where(put => put.Item1 == ParityPhase.Quiesce).Select(put => put.Item2).Order());
        var audit = await cluster.Audit.ReadAsync(Tenant, 0, 1000);
        Assert.Contains(audit, entry => entry.Draft.Action == "parity.switched" && entry.Draft.Detail!["commit"].Contains("pair-03", StringComparison.Ordinal));

        await fleet.BackAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.First);
        Assert.Empty(await fleet.SwitchesAsync());
    }

    [Fact]
    public async Task A_stage_moves_whole_groups_and_the_others_neither_deny_nor_switch()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 4);

        await fleet.DirectAsync(now => now with
        {
            Target = fleet.Second,
            Fallback = fleet.First,
            Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty.Add("zone-0", new DomainCut(DomainCut.All, 999)),
        });
        await fleet.SpeakUntilAsync(
            () =>
            {
                Assert.All(fleet.Members.Where(member => member.Group is "pair-01" or "pair-03"), member => Assert.Equal(fleet.First, member.Serves));
                return fleet.Members.Where(member => member.Group is "pair-00" or "pair-02").All(member => member.Serves == fleet.Second);
            },
            "the groups of zone-0 run the target");
    }

    [Fact]
    public async Task A_member_that_cannot_load_keeps_its_group_on_the_old_hash_and_no_other_group_waits_for_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 2);
        fleet.Members[0].Refuses = fleet.Second;

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAsync(() => fleet.Members[2..].All(member => member.Serves == fleet.Second), "the other pair runs the target");

        Assert.All(fleet.Members[..2], member => Assert.Equal(fleet.First, member.Serves));
        Assert.Equal([("pair-00", ParityPhase.Prepare)], (await fleet.SwitchesAsync()).Select(one => (one.Group, one.Phase)));
        Assert.Contains(Value(await cluster.FleetGrain.NodesAsync()), node => node.Error == "node.load_failed: no");

        await fleet.BackAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.First);
        Assert.Empty(await fleet.SwitchesAsync());
    }

    [Fact]
    public async Task A_silent_member_is_waited_for_until_it_is_fenced_and_serves_nothing_else_when_it_comes_back()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 2);
        var silent = fleet.Members[0];
        silent.IsSilent = true;

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAsync(() => fleet.Members[2..].All(member => member.Serves == fleet.Second), "the other pair runs the target");
        Assert.Equal((fleet.First, fleet.First), (silent.Serves, fleet.Members[1].Serves));

        cluster.Clock.Skip(Fence);
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
        Assert.Null(silent.Serves);
        await UntilAsync(
            async () => Value(await cluster.Feeds().ServingAsync(Tenant, Fleet, fleet.Members[1].Name)) is { GroupRefusal: null, PolicyHash: var hash } && hash == fleet.Second,
            "the silo decides in the name of the one that is left");

        silent.IsSilent = false;
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
    }

    [Fact]
    public async Task A_member_that_falls_silent_while_all_deny_holds_its_group_until_it_is_fenced()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1);

        // Before, not after: a silo's reader may have brought it the news by the time that the commit has answered.
        cluster.Faults.BeforeCommit = (_, change) =>
        {
            fleet.Members[0].IsSilent |= change.Parity?.Put.Any(put => put.Phase == ParityPhase.Quiesce) == true;
            return Task.CompletedTask;
        };

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAsync(() => fleet.Members[1].Heard!.Group!.Phase == ParityPhase.Quiesce, "the other one denies");
        for (var i = 0; i < 5; i++)
        {
            await fleet.SpeakAsync();
            Assert.Null(fleet.Members[1].Serves);
        }

        cluster.Clock.Skip(Fence);
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
        fleet.Members[0].IsSilent = false;
        cluster.Faults.BeforeCommit = (_, _) => Task.CompletedTask;
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
    }

    [Theory]
    [InlineData(ParityPhase.Prepare)]
    [InlineData(ParityPhase.Quiesce)]
    [InlineData(ParityPhase.Commit)]
    public async Task Taken_back_in_the_middle_of_any_phase_a_group_ends_where_it_began(ParityPhase phase)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Faults.AfterCommit = (_, change) =>
        {
            var isThere = change.Parity is { } parity
                && (phase == ParityPhase.Commit ? !parity.Ended.IsEmpty : parity.Put.Any(put => put.Phase == phase));
            if (isThere)
            {
                begun.TrySetResult();
            }

            return Task.CompletedTask;
        };

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAsync(() => begun.Task.IsCompleted, $"phase {phase}");
        await fleet.BackAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.First);
        await UntilAsync(async () => (await fleet.SwitchesAsync()).IsEmpty, "no switch is left");
    }

    [Fact]
    public async Task A_restarted_member_serves_nothing_from_before_while_its_group_denies()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1);
        cluster.Faults.BeforeCommit = (_, change) =>
        {
            if (change.Parity is { Ended.IsEmpty: false })
            {
                fleet.Members[0].Restart();
            }

            return Task.CompletedTask;
        };

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
    }

    [Fact]
    public async Task A_silo_that_dies_between_two_phases_leaves_them_to_another()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 2);
        var fleet = await ParityFleet.PrepareAsync(cluster, 3);
        string? driver = null;
        var stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Faults.AfterCommit = async (silo, change) =>
        {
            if (change.Parity is { Put.IsEmpty: false } parity && parity.Put.Any(put => put.Phase == ParityPhase.Quiesce)
                && (Interlocked.CompareExchange(ref driver, silo, null) is null || driver == silo))
            {
                stuck.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan);
            }
        };

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAsync(() => stuck.Task.IsCompleted, "the driver stands");
        var dead = cluster.Silos.Silos.Single(silo => silo.Name == driver);
        await cluster.Silos.KillSiloAsync(dead);

        await UntilAsync(
            async () =>
            {
                try
                {
                    await fleet.SpeakAsync();
                    return fleet.Members.All(member => member.Serves == fleet.Second);
                }
                catch (Exception e) when (e is TimeoutException or OrleansException)
                {
                    return false;
                }
            },
            "all run the target");
    }

    [Fact]
    public async Task Of_two_who_lead_a_group_at_once_the_second_reads_and_decides_again()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 2);
        var overtaken = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            // Somebody else writes the same step just before, and then the step is stale.
            if (change.Parity is not null && Interlocked.Increment(ref overtaken) <= 3)
            {
                Assert.Equal(CommitStatus.Committed, (await cluster.Store.CommitAsync(change)).Status);
                Assert.Equal(CommitStatus.Stale, (await cluster.Store.CommitAsync(change)).Status);
            }
        };

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
        Assert.Equal(3, overtaken);
    }

    [Fact]
    public async Task Without_leases_a_silent_member_is_waited_for_until_it_is_taken_out()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1, new FleetSettings { MaxStalenessSec = null, ReportIntervalSec = 0.5 });
        fleet.Members[0].IsSilent = true;

        await fleet.ForwardAsync();
        cluster.Clock.Skip(TimeSpan.FromMinutes(10));
        for (var i = 0; i < 3; i++)
        {
            await fleet.SpeakAsync();
            Assert.Equal(fleet.First, fleet.Members[1].Serves);
        }

        // Whoever takes it out says that it is gone.
        Value(await cluster.FleetGrain.RemoveAsync(fleet.Members[0].Name, As("olga")));
        fleet.Members[0].Restart();
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
    }

    [Fact]
    public async Task A_member_taken_out_is_waited_for_as_long_as_its_lease_may_last_by_a_fresh_grain_too()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1);
        var leaving = fleet.Members[0];
        leaving.IsSilent = true;
        Value(await cluster.FleetGrain.RemoveAsync(leaving.Name, As("olga")));
        await cluster.Silos.RestartSiloAsync(cluster.Silos.Silos[0]);
        await PolicyCluster.UntilAsync(() => AnswersAsync(cluster), "the silo's next life answers");

        await fleet.ForwardAsync();
        for (var i = 0; i < 5; i++)
        {
            await fleet.SpeakAsync();
            Assert.Equal(fleet.First, fleet.Members[1].Serves);
        }

        cluster.Clock.Skip(Fence);
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
    }

    [Fact]
    public async Task Who_joins_a_group_runs_what_it_runs_wherever_it_stands_itself()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1);

        var third = Value(await cluster.FleetGrain.RegisterAsync([ParityFleet.Member("pair-00", "third", "zone-9")], As("olga")))[0];
        var other = Value(await cluster.FleetGrain.RegisterAsync([ParityFleet.Member("new", "one", "zone-9"), ParityFleet.Member("new", "two", "zone-8")], As("olga")));

        Assert.Equal(("zone-0", 1), (third.Group!.FailureDomain, third.Group.Registration));
        Assert.Equal(["zone-9", "zone-9"], other.Select(node => node.Group!.FailureDomain));
        Assert.Equal(other[0].Registration, other[1].Group!.Registration);

        // Its first member leaves, and the group stays where it is.
        Value(await cluster.FleetGrain.RemoveAsync("pair-00-brain", As("olga")));
        var fourth = Value(await cluster.FleetGrain.RegisterAsync([ParityFleet.Member("pair-00", "fourth", "zone-7")], As("olga")))[0];
        Assert.Equal(third.Group, fourth.Group);
        Assert.Equal(third.Group, (await cluster.Store.ListNodesAsync(Tenant, Fleet)).Single(node => node.Node == "pair-00-execution").Group);
        Assert.Equal(fleet.First, Assert.IsType<Silo.Feed.FeedAnswer.Changed>(await cluster.Feeds().WaitAsync(Tenant, Fleet, "pair-00-third", null, TimeSpan.Zero)).Directive.PolicyHash);
    }

    [Fact]
    public async Task A_group_is_of_one_fleet_and_relays_do_not_lead_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1);
        Value(await Abstractions.GrainKeys.Fleet(cluster.Grains, Tenant, "other").ConfigureAsync(new FleetSettings(), As("olga")));

        var across = await Abstractions.GrainKeys.Fleet(cluster.Grains, Tenant, "other").RegisterAsync([ParityFleet.Member("pair-00", "brain")], As("olga"));
        var relayed = await cluster.Feeds().ReportManyAsync(
            Tenant, Fleet, [new("pair-00-brain", new NodeReport { BootId = "relay", Seq = 1, Epoch = 1, PolicyHash = fleet.First, Ack = true })]);

        Assert.Equal(GroupCodes.AcrossFleets, Code(across));
        Assert.Equal([GroupCodes.Relayed], relayed.Rejected.Select(rejected => rejected.Code));
    }

    [Fact]
    public async Task Of_two_fleets_that_register_a_group_at_the_same_instant_one_has_it_and_nodes_without_it_are_in_both()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        string[] fleets = ["a", "b"];
        foreach (var fleet in fleets)
        {
            Value(await Abstractions.GrainKeys.Fleet(cluster.Grains, Tenant, fleet).ConfigureAsync(new FleetSettings(), As("olga")));
        }

        // Nothing is written before both have read that the group is nowhere; a machine that is too slow for that shows less, and nothing wrong.
        var (read, bothRead) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        cluster.Faults.GroupsWereRead = () =>
        {
            if (Interlocked.Increment(ref read) == 2)
            {
                bothRead.SetResult();
            }
        };
        cluster.Faults.BeforeRegister = () => Task.WhenAny(bothRead.Task, Task.Delay(TimeSpan.FromSeconds(5)));

        // The first is written alone, and those behind it together.
        NodeRegistration[] asked = [new() { Node = "first" }, ParityFleet.Member("pair-00", "brain"), new() { Node = "last" }];
        var answers = await Task.WhenAll(fleets.SelectMany(fleet => asked.Select(node => ParityFleet.RegisterAsync(cluster, fleet, node))));

        var refused = Assert.Single(answers, answer => !answer.Succeeded);
        Assert.Equal(GroupCodes.AcrossFleets, Code(refused));
        var stored = await Task.WhenAll(fleets.Select(fleet => cluster.Store.ListNodesAsync(Tenant, fleet)));
        Assert.All(stored, nodes => Assert.Equal(["first", "last"], nodes.Where(node => node.ParityGroup is null).Select(node => node.Node).Order(StringComparer.Ordinal)));
        Assert.Single(stored.SelectMany(nodes => nodes), node => node.ParityGroup is not null);
    }

    [Fact]
    public async Task Nobody_decides_in_a_members_name_while_its_group_switches_or_runs_a_third_hash()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 1);
        await fleet.SpeakAsync();
        await UntilAsync(async () => Value(await cluster.Feeds().ServingAsync(Tenant, Fleet, "pair-00-brain")).PolicyHash == fleet.First, "the silo knows what it serves");
        Assert.Null(Value(await cluster.Feeds().ServingAsync(Tenant, Fleet, "pair-00-brain")).GroupRefusal);

        await cluster.Feeds().ReportAsync(Tenant, Fleet, "pair-00-execution", new NodeReport
        {
            BootId = "liar",
            Seq = 1,
            Epoch = 1,
            PolicyHash = new string('c', 64),
            Ack = true,
        });
        await UntilAsync(
            async () => Value(await cluster.Feeds().ServingAsync(Tenant, Fleet, "pair-00-brain")).GroupRefusal == GroupCodes.Disagrees, "its group disagrees");

        await fleet.ForwardAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.Second);
        await fleet.BackAsync();
        Assert.Equal(GroupCodes.Switching, Value(await cluster.Feeds().ServingAsync(Tenant, Fleet, "pair-00-brain")).GroupRefusal);
    }

    [Fact]
    public async Task A_fleet_without_groups_writes_nothing_about_them()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var written = 0;
        cluster.Faults.BeforeCommit = (_, change) =>
        {
            written += change.Parity is null ? 0 : 1;
            return Task.CompletedTask;
        };
        await cluster.PrepareFleetAsync(3);

        Assert.Equal(0, written);
        Assert.Null((await cluster.Store.ReadFleetAsync(Tenant, Fleet))!.Parity.Base);
    }

    // Whoever calls has to find the silo's new port first.
    private static async Task<bool> AnswersAsync(PolicyCluster cluster)
    {
        try
        {
            return (await cluster.FleetGrain.GetAsync()).Succeeded;
        }
        catch (OrleansException)
        {
            return false;
        }
    }
}
