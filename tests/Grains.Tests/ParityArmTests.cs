using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Arming;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>A parity group is disarmed and armed as one, and no member is a way around it.</summary>
public class ParityArmTests(PostgresServer server)
{
    [Fact]
    public async Task What_is_said_of_a_member_about_arming_is_said_of_its_group()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await ParityFleet.PrepareAsync(cluster, 2);
        var gate = cluster.Silos.Silos[0].ServiceProvider.GetRequiredService<ArmGate>();

        var brain = new ArmScope(Tenant, Fleet, "pair-00-brain");
        var row = Value(await gate.ChangeAsync(new ArmCommand.Disarm(brain, As("olga").By, "stop", Emergency: true), As("olga")));
        Assert.Equal("group:pair-00", row.Scope.Node);
        Assert.Equal((false, false, true), (await IsArmedAsync("pair-00-brain"), await IsArmedAsync("pair-00-execution"), await IsArmedAsync("pair-01-brain")));

        // The other half is no way around the second person.
        var execution = new ArmScope(Tenant, Fleet, "pair-00-execution");
        var asked = Value(await gate.ChangeAsync(new ArmCommand.Arm(execution, As("olga").By, "go", null, "p1"), As("olga")));
        Assert.False(asked.Armed);
        Assert.True(Value(await gate.ChangeAsync(new ArmCommand.Arm(execution, As("anna").By, "go", "p1", "p2"), As("anna"))).Armed);
        Assert.Equal((true, true), (await IsArmedAsync("pair-00-brain"), await IsArmedAsync("pair-00-execution")));
        Assert.Equal(2, (await gate.StandingAsync(row)).UnconfirmedCount);

        async Task<bool> IsArmedAsync(string node) =>
            Assert.IsType<Silo.Feed.FeedAnswer.Changed>(await cluster.Feeds().WaitAsync(Tenant, Fleet, node, null, TimeSpan.Zero)).Directive.Armed;
    }

    [Fact]
    public async Task A_member_leaves_no_disarmed_group_by_registering_anew()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await ParityFleet.PrepareAsync(cluster, 2);
        var gate = cluster.Silos.Silos[0].ServiceProvider.GetRequiredService<ArmGate>();
        var brain = new ArmScope(Tenant, Fleet, "pair-00-brain");
        var member = ParityFleet.Member("pair-00", "brain", "zone-0");
        var alone = member with { ParityGroup = null };
        var other = ParityFleet.Member("pair-01", "brain", "zone-1") with { ParityGroup = "pair-02" };
        Value(await gate.ChangeAsync(new ArmCommand.Disarm(brain, As("olga").By, "stop", Emergency: true), As("olga")));

        foreach (var asked in (NodeRegistration[])[alone, member with { ParityGroup = "pair-01" }])
        {
            Assert.Equal(GroupCodes.Disarmed, Code(await ParityFleet.RegisterAsync(cluster, Fleet, asked)));
        }

        // Whatever of itself it changes else, and whoever else moves.
        Value(await ParityFleet.RegisterAsync(cluster, Fleet, member with { FailureDomain = "zone-9" }));
        Value(await ParityFleet.RegisterAsync(cluster, Fleet, other));
        Value(await ParityFleet.RegisterAsync(cluster, Fleet, new NodeRegistration { Node = "new" }));

        // To be deleted meanwhile is no way out either, and to come back as before is.
        Value(await cluster.FleetGrain.RemoveAsync("pair-00-brain", As("olga")));
        Assert.Equal(GroupCodes.Disarmed, Code(await ParityFleet.RegisterAsync(cluster, Fleet, alone)));
        Value(await ParityFleet.RegisterAsync(cluster, Fleet, member));

        var waits = Value(await gate.ChangeAsync(new ArmCommand.Arm(brain, As("olga").By, "go", null, "p1"), As("olga")));
        Assert.False(waits.Armed);
        Assert.Equal(GroupCodes.Disarmed, Code(await ParityFleet.RegisterAsync(cluster, Fleet, alone)));
        Assert.True(Value(await gate.ChangeAsync(new ArmCommand.Arm(brain, As("anna").By, "go", "p1", "p2"), As("anna"))).Armed);
        Assert.Null(Value(await ParityFleet.RegisterAsync(cluster, Fleet, alone))[0].ParityGroup);
    }

    [Fact]
    public async Task A_group_that_is_disarmed_while_a_member_registers_anew_keeps_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await ParityFleet.PrepareAsync(cluster, 1);
        cluster.Faults.BeforeRegister = async () =>
        {
            // Past every grain, once, after it was asked and before it is written.
            cluster.Faults.BeforeRegister = () => Task.CompletedTask;
            var group = new ArmScope(Tenant, Fleet, "group:pair-00");
            var (last, row) = await cluster.Store.ReadArmAsync(group);
            var stop = Value(ArmDecider.Decide(row, new ArmCommand.Disarm(group, As("olga").By, "stop"), last, cluster.Clock.GetUtcNow()));
            var result = await cluster.Store.CommitAsync(new PolicyChange
            {
                Tenant = Tenant,
                Audit = [new() { At = stop.At, Actor = "olga", Interface = "http", Action = "arm.disarmed", Subject = stop.Scope.Subject, Reason = "stop" }],
                Arm = new ArmWrite(stop, last),
            });
            Assert.Equal(CommitStatus.Committed, result.Status);
        };

        var refused = await ParityFleet.RegisterAsync(cluster, Fleet, ParityFleet.Member("pair-00", "brain", "zone-0") with { ParityGroup = null });

        Assert.Equal(GroupCodes.Disarmed, Code(refused));
        Assert.All(await cluster.Store.ListNodesAsync(Tenant, Fleet), node => Assert.Equal("pair-00", node.ParityGroup));
    }
}
