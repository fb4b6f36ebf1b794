using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Nodes join a parity group that is in a stage already, and the stage's caps have room for them or not.</summary>
public class JoiningTests(PostgresServer server)
{
    [Fact]
    public async Task Who_joins_serves_as_far_as_the_caps_have_room_and_the_others_deny_until_somebody_leaves()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 2);
        var fleet = await ForwardAsync(cluster, maxNodes: 3);

        var joined = await fleet.JoinAsync("pair-00", "third", "fourth", "fifth");
        Assert.Equal([false, true, true], joined.Select(node => node.OverCap));
        foreach (var silo in (int[])[0, 1])
        {
            await fleet.SpeakUntilAsync(() => fleet.Find("pair-00-third").Serves == fleet.Second && Waits(fleet, "fourth") && Waits(fleet, "fifth"), "one has room", silo);
        }

        // It counts neither as assigned nor as running it, nobody decides in its name, and it is in no member's way.
        var seen = Value(await cluster.FleetGrain.ObserveAsync(new FleetWatch(cluster.Clock.GetUtcNow(), 0), CensusSource.Known));
        Assert.Equal((3, 3, 7), (seen.Nodes.Assigned, seen.Nodes.OnTarget, seen.Nodes.Registered));
        var unit = seen.Census!.Value.Single(one => one.Unit == "group:pair-00");
        Assert.Equal((3, joined[2].Registration, joined[1].Registration), (unit.Nodes.Values.Sum(), unit.NewestMember, unit.FirstWaiting));
        Assert.Equal((GroupCodes.Disagrees, null), (await RefusalAsync(cluster, "pair-00-fourth"), await RefusalAsync(cluster, "pair-00-brain")));
        Assert.Equal("parity.no_answer", Code(await cluster.FleetGrain.HandshakeMembersAsync("pair-00-fourth", "fourth")));
        Assert.Equal(["pair-00-execution", "pair-00-third"], Value(await cluster.FleetGrain.HandshakeMembersAsync("pair-00-brain", "brain")).Select(member => member.Node));

        await fleet.LeaveAsync("pair-00-third");
        await fleet.SpeakUntilAsync(() => fleet.Find("pair-00-fourth").Serves == fleet.Second && Waits(fleet, "fifth"), "the next has room", silo: 1);

        // What it left is taken: it comes back as one who joins.
        Assert.True((await fleet.JoinAsync("pair-00", "third"))[0].OverCap);
        await fleet.SpeakUntilAsync(() => Waits(fleet, "third"), "it waits");
    }

    [Fact]
    public async Task A_member_that_comes_back_to_its_place_waits_for_nobody()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ForwardAsync(cluster, maxNodes: 2);

        await fleet.LeaveAsync("pair-00-execution");
        Assert.False((await fleet.JoinAsync("pair-00", "execution"))[0].OverCap);
        Assert.True((await fleet.JoinAsync("pair-00", "third"))[0].OverCap);
        await fleet.SpeakUntilAsync(() => fleet.Find("pair-00-execution").Serves == fleet.Second && Waits(fleet, "third"), "it serves again");

        // An agent that restarts registers as what it is.
        Assert.Equal([false, true], (await fleet.JoinAsync("pair-00", "execution", "third")).Select(node => node.OverCap));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Once_the_rollout_has_ended_no_cap_keeps_anybody_out(bool complete)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ForwardAsync(cluster, maxNodes: 2);
        await fleet.JoinAsync("pair-00", "third");
        await fleet.SpeakUntilAsync(() => Waits(fleet, "third"), "it waits");

        var end = complete ? fleet.Second : fleet.First;
        await fleet.RestAsync(end);
        await fleet.SpeakUntilAllServeAsync(end);
        Assert.False(Value(await cluster.FleetGrain.NodeAsync("pair-00-third")).Record.OverCap);
    }

    [Fact]
    public async Task Taken_back_while_its_group_is_on_the_way_who_waits_goes_back_with_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ParityFleet.PrepareAsync(cluster, 2);
        await fleet.ForwardAsync(maxNodes: 2);
        await fleet.JoinAsync("pair-00", "third");
        for (var i = 0; i < 3; i++)
        {
            await fleet.SpeakAsync();
            Assert.Null(fleet.Find("pair-00-third").Serves);
        }

        await fleet.BackAsync();
        await fleet.SpeakUntilAllServeAsync(fleet.First);
        Assert.Empty(await fleet.SwitchesAsync());
    }

    [Fact]
    public async Task A_fresh_fleet_grain_finds_who_waits_and_a_wider_stage_lets_it_in()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await ForwardAsync(cluster, maxNodes: 2);
        await fleet.JoinAsync("pair-00", "third");
        await fleet.SpeakUntilAsync(() => Waits(fleet, "third"), "it waits");

        await cluster.Silos.RestartSiloAsync(cluster.Silos.Silos[0]);
        await UntilAsync(
            async () =>
            {
                try
                {
                    await fleet.SpeakAsync();
                    return Waits(fleet, "third") && fleet.Find("pair-00-brain").Serves == fleet.Second
                        && (await cluster.FleetGrain.NodeAsync("pair-00-third")).Value is { Record.OverCap: true };
                }
                catch (OrleansException)
                {
                    return false;
                }
            },
            "it waits on after the restart, for whoever asks");

        await fleet.DirectAsync(now => now with { Caps = now.Caps! with { MaxNodes = 3 } });
        await fleet.SpeakUntilAsync(() => fleet.Find("pair-00-third").Serves == fleet.Second, "there is room");
    }

    private static bool Waits(ParityFleet fleet, string role) =>
        fleet.Find("pair-00-" + role) is { Serves: null, Heard.Group: { OverCap: true, Phase: ParityPhase.Commit } };

    private static async Task<string?> RefusalAsync(PolicyCluster cluster, string node) => Value(await cluster.FleetGrain.NodeAsync(node)).GroupRefusal;

    // Two pairs, of which the first has gone over to the second bundle.
    private static async Task<ParityFleet> ForwardAsync(PolicyCluster cluster, int maxNodes)
    {
        var fleet = await ParityFleet.PrepareAsync(cluster, 2);
        await fleet.ForwardAsync(maxNodes);
        await fleet.SpeakUntilAsync(() => fleet.Members[..2].All(member => member.Serves == fleet.Second), "the first pair runs the target");
        return fleet;
    }
}
