using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>What operators do with rollouts, and what they are refused.</summary>
public class OperatorTests(PostgresServer server)
{
    [Fact]
    public async Task A_paused_rollout_stands_still_and_a_resumed_one_gets_a_full_new_window()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        Value(await cluster.StartAsync("r1"));
        var grain = cluster.Grains.Rollout(Tenant, "r1");

        Assert.Equal(RolloutPhase.Paused, Value(await grain.PauseAsync("lunch", As("olga"))).State);
        for (var i = 0; i < 6; i++)
        {
            await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
        }

        Assert.Equal("one", (await cluster.GetAsync("r1")).StageId);
        Assert.Equal("rollout.state", Code(await grain.PauseAsync("again", As("olga"))));
        Assert.Equal(RolloutPhase.Active, Value(await grain.ResumeAsync("back", As("olga"))).State);
        await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
        Assert.Equal("one", (await cluster.GetAsync("r1")).StageId);
        await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
        await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
        Assert.Equal("two", (await cluster.GetAsync("r1")).StageId);
    }

    [Fact]
    public async Task An_approval_that_names_the_stage_it_was_meant_for_does_not_count_for_the_next()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(40);
        Value(await cluster.StartAsync("r1", plan: Plans.Manual));
        var grain = cluster.Grains.Rollout(Tenant, "r1");
        Value(await grain.ApproveAsync("looks right", As("anna"), "canary"));
        for (var steps = 0; (await cluster.GetAsync("r1")).StageId != "early"; steps++)
        {
            Assert.True(steps < 20, $"still {(await cluster.GetAsync("r1")).Why}");
            await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
        }

        // Bert looked at the same stage, and is a moment late.
        Assert.Equal("rollout.state", Code(await grain.ApproveAsync("fine", As("bert"), "canary")));
        Assert.Null((await cluster.Store.ReadRolloutAsync(Tenant, "r1"))!.ApprovedBy);
        Value(await grain.ApproveAsync("fine", As("bert"), "early"));
        Assert.Equal("bert", (await cluster.Store.ReadRolloutAsync(Tenant, "r1"))!.ApprovedBy!.Subject);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_rollback_returns_every_node_from_active_and_from_paused(bool paused)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        var (old, target) = await HashesAsync(cluster);
        var grain = cluster.Grains.Rollout(Tenant, "r1");
        Value(await cluster.StartAsync("r1"));
        await fleet.SpeakUntilAsync(target, 2);
        if (paused)
        {
            Value(await grain.PauseAsync("wait", As("olga")));
        }

        Assert.Equal(RolloutPhase.RolledBack, Value(await grain.RollBackAsync("no", As("olga"))).State);

        await fleet.SpeakUntilAsync(old, 16);
        await cluster.FleetConvergedAsync(fleet, old);
        Assert.Equal("rollout.state", Code(await grain.RollBackAsync("again", As("olga"))));
        Assert.Equal("rollout.state", Code(await grain.ResumeAsync("again", As("olga"))));
    }

    [Fact]
    public async Task A_busy_fleet_takes_no_second_rollout()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        Value(await cluster.StartAsync("r1"));

        Assert.Equal("rollout.in_flight", Code(await cluster.StartAsync("r2")));
        var lease = await cluster.ConfigureFleetAsync(new FleetSettings { ReportIntervalSec = 0.5, MaxStalenessSec = 30 });
        Assert.Equal("rollout.in_flight", Code(lease));
        Assert.Equal("rollout.unknown", Code(await cluster.Grains.Rollout(Tenant, "r2").GetAsync()));
    }

    [Fact]
    public async Task Two_who_start_at_once_start_one()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => cluster.StartAsync($"r{i}")));

        Assert.Single(answers, answer => answer.Succeeded);
        Assert.All(answers.Where(answer => !answer.Succeeded), answer => Assert.Equal("rollout.in_flight", Code(answer)));
    }

    [Fact]
    public async Task A_start_under_an_id_that_was_used_is_not_done_twice()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        var request = new StartRollout(Fleet, "2.0.0", Plans.Read(Plans.Doubling), false, "because");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(i => cluster.Grains.Rollout(Tenant, $"r{i}").StartAsync(request, As("olga", "op-1"))));

        Assert.Single(answers, answer => answer.Succeeded);
        Assert.All(answers.Where(answer => !answer.Succeeded), answer => Assert.Equal(CommonCodes.OperationExists, Code(answer)));
        Assert.Single(await cluster.Store.ListRolloutsAsync(Tenant, Fleet, 10), rollout => rollout.Kind == RolloutKind.Rollout);
    }

    [Fact]
    public async Task A_start_needs_a_plan_a_fleet_a_bundle_and_a_way_back()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.LiftLimitAsync();
        await cluster.PublishAsync("2.0.0");
        Assert.Equal("fleet.unknown", Code(await cluster.StartAsync("r1")));

        Value(await cluster.ConfigureFleetAsync());
        await SimulatedFleet.RegisterAsync(cluster, 16);
        Assert.Equal("rollout.no_fallback", Code(await cluster.StartAsync("r1")));

        await cluster.PublishAsync("1.0.0");
        Value(await cluster.FleetGrain.SetBaselineAsync("1.0.0", "first", As("olga")));
        Assert.Equal("bundle.unknown", Code(await cluster.StartAsync("r1", version: "9.9.9")));
        var broken = await cluster.StartAsync("r1", plan: """{"wedge_stages": [], "max_blast_radius": 300}""");
        Assert.True(broken.Problems.Length > 3);
        Assert.All(broken.Problems, problem => Assert.StartsWith("plan.", problem.Code, StringComparison.Ordinal));
        var tight = Plans.Doubling.Replace("\"min_samples\": 5", "\"min_samples\": 5, \"rollback_deadline_sec\": 30", StringComparison.Ordinal);
        Assert.Equal("rollout.staleness_exceeds_deadline", Code(await cluster.StartAsync("r1", plan: tight)));
    }

    [Fact]
    public async Task A_change_decided_on_what_is_no_longer_true_is_decided_again()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        Value(await cluster.StartAsync("r1"));
        var grain = cluster.Grains.Rollout(Tenant, "r1");
        Value(await grain.GetAsync());

        // Another silo, past this one's cache: it pauses the rollout.
        var state = (await cluster.Store.ReadRolloutAsync(Tenant, "r1"))!;
        await UntilAsync(
            async () =>
            {
                state = (await cluster.Store.ReadRolloutAsync(Tenant, "r1"))!;
                var decided = RolloutDecider.Decide(state, new RolloutCommand.Pause(As("otto").By, "elsewhere"), cluster.Clock.GetUtcNow());
                var paused = RolloutDecider.Apply(state, Value(decided)[0]);
                var committed = await cluster.Store.CommitAsync(new Storage.PolicyChange
                {
                    Tenant = Tenant,
                    Audit = RolloutAudit.Describe(state, paused, decided.Value[0], null),
                    Rollout = new Storage.RolloutWrite(paused, state.Revision, RolloutDecider.Deadlines(paused)),
                });
                return committed.Status == Storage.CommitStatus.Committed;
            },
            "the other silo paused it");

        Assert.Equal(RolloutPhase.Active, Value(await grain.ResumeAsync("I know better", As("olga"))).State);
    }

    private static async Task<(string Old, string Target)> HashesAsync(PolicyCluster cluster) =>
        ((await cluster.Catalog.FindBundleAsync(Tenant, "1.0.0"))!.PolicyHash, (await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"))!.PolicyHash);
}
