using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Arming;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

public sealed class ArmTests(PostgresServer server)
{
    private static readonly ArmScope Fleet = new(Tenant, PolicyCluster.Fleet);

    [Fact]
    public async Task What_was_said_survives_the_loss_of_every_silo()
    {
        await using var cluster = await StartAsync(silos: 2);
        var nodes = await cluster.PrepareFleetAsync(4);
        var disarmed = Value(await DisarmAsync(cluster, Fleet));
        await UntilAsync(async () => await TryHearAsync(cluster) is { Armed: false }, "the feed is told");

        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos[0]);

        await UntilAsync(async () => await TryHearAsync(cluster, silo: 0) is { Armed: false } heard && heard.ArmEpoch == disarmed.ArmEpoch, "the other silo says the same");
        await UntilAsync(async () => (await cluster.FleetGrain.GetAsync()) is { Succeeded: true, Value: var fleet } && !fleet.IsArmed(null), "the fleet's next life knows it");
        Assert.NotEmpty(nodes.Nodes);
    }

    [Fact]
    public async Task A_fleet_that_was_not_told_is_found_by_reading()
    {
        await using var cluster = await StartAsync();
        await cluster.PrepareFleetAsync(2);
        var (last, row) = await cluster.Store.ReadArmAsync(Fleet);
        var stop = ArmDecider.Decide(row, new ArmCommand.Disarm(Fleet, As("olga").By, "stop"), last, cluster.Clock.GetUtcNow()).Value!;

        // Past every grain and silo: as if the one that wrote it had died at once.
        var result = await cluster.Store.CommitAsync(new PolicyChange
        {
            Tenant = Tenant,
            Audit = [new() { At = stop.At, Actor = "olga", Interface = "http", Action = "arm.disarmed", Subject = stop.Scope.Subject, Reason = "stop" }],
            Arm = new ArmWrite(stop, last),
        });

        Assert.Equal(CommitStatus.Committed, result.Status);
        await UntilAsync(async () => await TryHearAsync(cluster) is { Armed: false }, "the feed reads it");
    }

    [Fact]
    public async Task An_arm_that_was_decided_on_an_older_one_writes_nothing()
    {
        await using var cluster = await StartAsync();
        Value(await cluster.ConfigureFleetAsync());
        var (last, row) = await cluster.Store.ReadArmAsync(Fleet);
        var go = ArmDecider.Decide(row, new ArmCommand.Arm(Fleet, As("olga").By, "go", null, "p"), last, cluster.Clock.GetUtcNow()).Value!;
        Value(await DisarmAsync(cluster, Fleet));

        var late = await cluster.Store.CommitAsync(new PolicyChange
        {
            Tenant = Tenant,
            Audit = [new() { At = go.At, Actor = "olga", Interface = "http", Action = "arm.armed", Subject = go.Scope.Subject, Reason = "go" }],
            Arm = new ArmWrite(go, last),
        });

        Assert.Equal(CommitStatus.Stale, late.Status);
        Assert.False((await cluster.Store.ReadArmAsync(Fleet)).Row!.Armed);
    }

    [Fact]
    public async Task A_disarm_takes_a_rollout_back_where_its_plan_says_so()
    {
        await using var cluster = await StartAsync();
        var nodes = await cluster.PrepareFleetAsync(8);
        Value(await DisarmAsync(cluster, Fleet));
        Value(await ArmAsync(cluster, Fleet));
        Value(await cluster.StartAsync("r1", plan: Plans.Doubling.Replace("\"wedge_stages\"", "\"on_disarm\": \"rollback\", \"wedge_stages\"", StringComparison.Ordinal)));
        await nodes.SpeakAsync();
        Assert.Equal(RolloutPhase.Active, (await cluster.GetAsync("r1")).State);

        Value(await DisarmAsync(cluster, Fleet, "fire"));
        var back = await cluster.GetAsync("r1");

        Assert.Equal((RolloutPhase.RolledBack, RolloutReasons.Disarmed), (back.State, back.Why.Code));
        Assert.Contains("fire", back.Why.Sentence, StringComparison.Ordinal);
        var audit = await cluster.Audit.ReadAsync(Tenant, 0, 1_000);
        Assert.Contains(audit, entry => entry.Draft is { Code: RolloutCodes.RolledBack, Reason: { } reason } && reason.Contains("fire", StringComparison.Ordinal));
        Assert.False(Value(await cluster.FleetGrain.GetAsync()).IsArmed(null));
    }

    [Fact]
    public async Task A_disarm_holds_a_rollout_where_its_plan_says_nothing()
    {
        await using var cluster = await StartAsync();
        var nodes = await cluster.PrepareFleetAsync(8);
        Value(await cluster.StartAsync("r1"));

        Value(await DisarmAsync(cluster, Fleet));
        await nodes.PassAsync("r1", TimeSpan.FromSeconds(1));

        Assert.Equal(RolloutPhase.Active, (await cluster.GetAsync("r1")).State);
    }

    [Fact]
    public async Task A_disarm_at_the_instant_of_a_rollback_takes_nothing_from_it_and_loses_nothing_to_it()
    {
        await using var cluster = await StartAsync();
        var nodes = await cluster.PrepareFleetAsync(8);
        var baseline = Value(await cluster.FleetGrain.GetAsync()).Directive.Target!;
        Value(await cluster.StartAsync("r1"));
        await nodes.SpeakAsync();

        // Between the rollback's decision and its commit somebody disarms.
        var between = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change.Directive is not null && Interlocked.Exchange(ref between, 1) == 0)
            {
                Value(await DisarmAsync(cluster, Fleet));
            }
        };
        Value(await cluster.Grains.Rollout(Tenant, "r1").RollBackAsync("bad", As("olga")));

        var stored = (await cluster.Store.ReadFleetAsync(Tenant, PolicyCluster.Fleet))!;
        Assert.Equal((1, baseline, true), (between, stored.Directive.Target, stored.Directive.AtRest));
        Assert.NotNull(stored.Arms.WholeDisarm);
        Assert.Equal(stored.Arms.Epoch, stored.Directive.ArmEpoch);
        await UntilAsync(async () => await TryHearAsync(cluster) is { Armed: false } heard && heard.PolicyHash == baseline && heard.Epoch == stored.Directive.Epoch, "both are heard");
    }

    [Fact]
    public async Task Everything_is_stopped_by_one_row_and_stands_in_every_chain()
    {
        await using var cluster = await StartAsync();
        await cluster.PrepareFleetAsync(2);
        var made = await cluster.Store.CommitAsync(new PolicyChange
        {
            Tenant = "other",
            CreatesTenant = true,
            Audit = [new() { At = cluster.Clock.GetUtcNow(), Actor = "admin", Interface = "http", Action = "tenant.created", Subject = "tenants/other" }],
        });
        Assert.Equal(CommitStatus.Committed, made.Status);
        var other = cluster.Grains.Fleet("other", "edge");
        Value(await other.ConfigureAsync(new FleetSettings(), As("olga")));

        var stopped = Value(await DisarmAsync(cluster, ArmScope.All));

        Assert.True(stopped.Emergency);
        Assert.False(Value(await other.GetAsync()).IsArmed(null));
        await UntilAsync(async () => await TryHearAsync(cluster) is { Armed: false }, "the feed is told");
        foreach (var tenant in new[] { Tenant, "other" })
        {
            var entries = await cluster.Audit.ReadAsync(tenant, 0, 1_000);
            Assert.Single(entries, entry => entry.Draft is { Action: "arm.disarmed", Subject: "all" });
            Assert.True(OrleansPolicy.Audit.AuditChain.Verify(entries, await cluster.Audit.ReadHeadAsync(tenant)).Valid);
        }

        // A fleet that is made afterwards is stopped too.
        Value(await cluster.Grains.Fleet("other", "late").ConfigureAsync(new FleetSettings(), As("olga")));
        Assert.False(Value(await cluster.Grains.Fleet("other", "late").GetAsync()).IsArmed(null));
    }

    [Fact]
    public async Task The_second_person_is_asked_for_by_whatever_silo_and_life_comes_next()
    {
        await using var cluster = await StartAsync(silos: 2);
        Value(await cluster.ConfigureFleetAsync());
        Value(await DisarmAsync(cluster, Fleet, emergency: true));
        var waits = Value(await ArmAsync(cluster, Fleet));
        Assert.True(ArmDecider.Waits(waits));

        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos[0]);

        var gate = Gate(cluster);
        Assert.Equal(ArmDecider.SamePerson, Code(await gate.ChangeAsync(new ArmCommand.Arm(Fleet, As("olga").By, "go", waits.Pending!.PendingId, "x"), As("olga"))));
        Assert.True(Value(await gate.ChangeAsync(new ArmCommand.Arm(Fleet, As("piet").By, "go", waits.Pending.PendingId, "x"), As("piet"))).Armed);
    }

    [Fact]
    public async Task A_disarm_that_cannot_be_written_is_refused_and_changes_nothing()
    {
        await using var cluster = await StartAsync();
        await cluster.PrepareFleetAsync(2);
        cluster.Faults.BeforeCommit = (_, change) => change.Arm is null ? Task.CompletedTask : throw new StoreUnavailableException("no room");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => DisarmAsync(cluster, Fleet));
        cluster.Faults.BeforeCommit = (_, _) => Task.CompletedTask;

        Assert.True((await HearAsync(cluster)).Armed);
        Assert.DoesNotContain(await cluster.Audit.ReadAsync(Tenant, 0, 1_000), entry => entry.Draft.Action.StartsWith("arm.", StringComparison.Ordinal));
        Value(await DisarmAsync(cluster, Fleet));
    }

    private async Task<PolicyCluster> StartAsync(short silos = 1) => await PolicyCluster.StartAsync(await server.CreateDatabaseAsync(), silos);

    private static ArmGate Gate(PolicyCluster cluster) => cluster.Silos.Silos[0].ServiceProvider.GetRequiredService<ArmGate>();

    private static Task<Outcome<ArmRow>> DisarmAsync(PolicyCluster cluster, ArmScope scope, string reason = "stop", bool? emergency = null) =>
        Gate(cluster).ChangeAsync(new ArmCommand.Disarm(scope, As("olga").By, reason, emergency), As("olga"));

    private static Task<Outcome<ArmRow>> ArmAsync(PolicyCluster cluster, ArmScope scope) =>
        Gate(cluster).ChangeAsync(new ArmCommand.Arm(scope, As("olga").By, "go", null, "p1"), As("olga"));

    private static async Task<NodeDirective> HearAsync(PolicyCluster cluster)
    {
        NodeDirective? heard = null;
        await UntilAsync(async () => (heard = await TryHearAsync(cluster)) is not null, "a directive");
        return heard!;
    }

    private static async Task<NodeDirective?> TryHearAsync(PolicyCluster cluster, int silo = 0) =>
        await cluster.Feeds(silo).WaitAsync(Tenant, PolicyCluster.Fleet, "node-000", null, TimeSpan.Zero) is FeedAnswer.Changed changed ? changed.Directive : null;
}
