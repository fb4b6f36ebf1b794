using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using OrleansPolicy.Waves;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>One bundle to several fleets, seen on the nodes themselves.</summary>
public class WaveTests(PostgresServer server)
{
    [Fact]
    public async Task A_bundle_reaches_step_after_step_and_no_fleet_before_its_turn()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2", "us-1");

        Value(await regions.StartAsync([["eu-1"], ["eu-2", "us-1"]]));
        await regions.PassUntilAsync(view => view.State == WavePhase.Complete, "the wave is complete", async _ =>
        {
            // Read before the first is: what has begun by now began when that was complete.
            var begun = await cluster.Store.FindRolloutsAsync(Tenant, ["w1-2", "w1-3"]);
            Assert.True(begun.IsEmpty || (await cluster.Store.ReadRolloutAsync(Tenant, "w1-1"))!.Phase == RolloutPhase.Complete, "eu-2 or us-1 came before its turn");
        });

        await regions.AllRunAsync(regions.Target, "eu-1", "eu-2", "us-1");
        var view = await regions.GetAsync();
        Assert.Equal((2, 2, true), (view.Step, view.Steps, view.EndedAt is not null));
        Assert.All(view.Fleets, fleet => Assert.Equal(RolloutPhase.Complete, fleet.State));
        Assert.Equal(("w1", "olga"), (Value(await cluster.Grains.Rollout(Tenant, "w1-3").GetAsync()).WaveId, (await cluster.Store.ReadRolloutAsync(Tenant, "w1-3"))!.Author.Subject));
        Assert.Equal(["wave.started", "wave.advanced", "wave.completed"], await ActionsAsync(cluster));
        Assert.True(Value(await cluster.Grains.Audit(Tenant).VerifyAsync()).Valid);
    }

    [Fact]
    public async Task Where_it_says_so_one_fleet_that_fails_takes_all_back_also_those_that_were_complete()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2", "us-1");
        var standing = Plans.Read(Regions.Standing);

        Value(await regions.StartAsync(
            [["eu-1"], ["eu-2", "us-1"]], onHalt: WaveOnHalt.Rollback, overrides: [new WaveOverride("us-1", standing), new WaveOverride("eu-2", standing)]));
        await regions.PassUntilAsync(view => view.Fleets[1..].All(fleet => fleet.State == RolloutPhase.Active), "the second step has begun");
        regions.Fail("us-1");
        await regions.UntilAsync(view => view.State == WavePhase.RolledBack, "the wave was taken back");
        await regions.UntilAsync(view => view.EndedAt is not null, "every way back has begun");

        await regions.AllRunAsync(regions.Old, "eu-1", "eu-2", "us-1");
        var view = await regions.GetAsync();
        Assert.Equal(WaveReasons.FleetRolledBack, view.Why.Code);
        Assert.Contains("us-1", view.Why.Sentence, StringComparison.Ordinal);
        Assert.Empty(view.NotReturned);
        Assert.Equal(
            [("eu-1", RolloutPhase.RolledBack, "w1-1-back"), ("eu-2", RolloutPhase.RolledBack, null), ("us-1", RolloutPhase.RolledBack, null)],
            view.Fleets.Select(fleet => (fleet.Fleet, fleet.State!.Value, fleet.BackId)));
        Assert.Equal(["wave.started", "wave.advanced", "wave.rolled_back", "wave.returned"], await ActionsAsync(cluster));
    }

    [Fact]
    public async Task A_fleet_that_fails_halts_all_and_a_person_takes_them_back()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2", "us-1");

        Value(await regions.StartAsync([["eu-1", "eu-2"], ["us-1"]], Regions.Standing));
        await regions.UntilAsync(view => view.Fleets[..2].All(fleet => fleet.State == RolloutPhase.Active), "the first step has begun");
        regions.Fail("eu-2");
        await regions.UntilAsync(view => view.State == WavePhase.Halted, "the wave is halted");
        await regions.UntilAsync(view => view.Fleets[0].State == RolloutPhase.Paused, "eu-1 is paused with it");

        Assert.Equal(WaveRules.StateCode, Code(await regions.Wave.ResumeAsync("go on", As("olga"))));
        Assert.Equal(WaveRules.StateCode, Code(await regions.Wave.PauseAsync("stop", As("olga"))));
        Assert.Equal(WavePhase.RolledBack, Value(await regions.Wave.RollBackAsync("no good", As("olga"))).State);
        await regions.UntilAsync(view => view.EndedAt is not null, "every way back has begun");
        await regions.AllRunAsync(regions.Old, "eu-1", "eu-2", "us-1");
        Assert.Equal(RolloutPhase.Pending, await regions.StateOfAsync("us-1"));
        Assert.Equal(WaveRules.StateCode, Code(await regions.Wave.RollBackAsync("again", As("olga"))));
    }

    [Fact]
    public async Task A_halted_wave_holds_its_rollouts_and_a_resumed_one_goes_on_with_them()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2");
        Value(await regions.StartAsync([["eu-1", "eu-2"]], Regions.Standing));
        await regions.UntilAsync(Both(RolloutPhase.Active), "both have begun");

        Value(await regions.Wave.PauseAsync("lunch", As("olga")));
        await regions.UntilAsync(Both(RolloutPhase.Paused), "both are paused");
        Value(await cluster.Grains.Rollout(Tenant, "w1-1").ResumeAsync("I know better", As("otto")));
        await regions.UntilAsync(Both(RolloutPhase.Paused), "who goes on alone is paused again");
        Assert.Equal(WavePhase.Active, Value(await regions.Wave.ResumeAsync("back", As("olga"))).State);
        await regions.UntilAsync(Both(RolloutPhase.Active), "both go on");

        Value(await cluster.Grains.Rollout(Tenant, "w1-2").PauseAsync("let me see", As("otto")));
        await regions.UntilAsync(view => view.State == WavePhase.Halted && Both(RolloutPhase.Paused)(view), "one that a person pauses halts all");
        Value(await regions.Wave.EndAsync("enough", As("olga")));
        Value(await cluster.Grains.Rollout(Tenant, "w1-2").ResumeAsync("on its own", As("otto")));
        await cluster.Grains.Wave(Tenant, Regions.WaveId).LookAsync();
        Assert.Equal((WavePhase.Ended, RolloutPhase.Active), ((await regions.GetAsync()).State, await regions.StateOfAsync("eu-2")));
        Assert.Equal(["wave.started", "wave.halted", "wave.resumed", "wave.halted", "wave.ended"], await ActionsAsync(cluster));
    }

    [Fact]
    public async Task A_halt_between_a_starts_decision_and_its_commit_refuses_the_start()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1");
        var starts = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change.Rollout is { ExpectedRevision: 0, State.WaveId: not null } && Interlocked.Increment(ref starts) == 1)
            {
                Value(await regions.Wave.PauseAsync("stop", As("olga")));
            }
        };

        Value(await regions.StartAsync([["eu-1"]], Regions.Standing));
        await UntilAsync(async () => (await regions.GetAsync()).State == WavePhase.Halted, "it is halted");
        await regions.Wave.LookAsync();
        Assert.Null(await cluster.Store.ReadRolloutAsync(Tenant, "w1-1"));

        Value(await regions.Wave.ResumeAsync("go on", As("olga")));
        await regions.UntilAsync(view => view.Fleets[0].State == RolloutPhase.Active, "it begins now");
    }

    [Fact]
    public async Task Whatever_answer_is_lost_each_fleet_has_one_rollout_and_one_way_back()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2");
        var lost = new System.Collections.Concurrent.ConcurrentDictionary<string, bool>();
        cluster.Faults.AfterCommit = (_, change) =>
            (change.Rollout is { ExpectedRevision: 0 } start && lost.TryAdd(start.State.RolloutId, true))
            || (change.Control is { Kind: ControlKinds.Wave, ExpectedRevision: > 0 } wave && lost.TryAdd(wave.ExpectedRevision.ToString(), true))
                ? throw new StoreUnavailableException("The answer was lost.")
                : Task.CompletedTask;

        Value(await regions.StartAsync([["eu-1"], ["eu-2"]]));
        await regions.PassUntilAsync(view => view.State == WavePhase.Complete, "the wave is complete");
        Assert.Equal(CommonCodes.StoreUnavailable, Code(await regions.Wave.RollBackAsync("no good", As("olga"))));
        await regions.UntilAsync(view => view is { State: WavePhase.RolledBack, EndedAt: not null }, "every way back has begun");

        await regions.AllRunAsync(regions.Old, "eu-1", "eu-2");
        foreach (var fleet in new[] { "eu-1", "eu-2" })
        {
            Assert.Equal([RolloutKind.FastTrack, RolloutKind.Rollout, RolloutKind.Baseline], (await cluster.Store.ListRolloutsAsync(Tenant, fleet, 10)).Select(rollout => rollout.Kind));
        }

        Assert.True(lost.Count >= 7, string.Join(' ', lost.Keys));
    }

    [Fact]
    public async Task Whoever_dies_once_it_is_durable_something_wakes_it_and_that_is_all_it_takes()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1");
        var reminders = -1L;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change.Control is { Kind: ControlKinds.Wave, ExpectedRevision: 0 })
            {
                await using var count = cluster.DataSource.CreateCommand("SELECT count(*) FROM orleansreminderstable WHERE grainid LIKE '%rollout-wave%'");
                reminders = (long)(await count.ExecuteScalarAsync())!;
                throw new StoreUnavailableException("The process dies.");
            }
        };
        Assert.Equal(CommonCodes.StoreUnavailable, Code(await regions.StartAsync([["eu-1"]], id: "w0")));
        Assert.Equal(1, reminders);

        // As another process left it, which died after the wave was durable. The reminder does no more than look.
        var wave = WaveDecider.Open(new Wave
        {
            WaveId = Regions.WaveId,
            Target = regions.Target,
            Fleets = [["eu-1"]],
            RolloutWedge = Plans.Read(Regions.Standing),
            By = As("olga").By,
            Reason = "new rules",
            StartedAt = cluster.Clock.GetUtcNow(),
            Why = new Why("", "", cluster.Clock.GetUtcNow()),
            ChangedBy = As("olga").By,
        });
        cluster.Faults.BeforeCommit = (_, _) => Task.CompletedTask;
        await cluster.Store.CommitAsync(new PolicyChange
        {
            Tenant = Tenant,
            Control = ControlWrite.Of(ControlKinds.Wave, wave.WaveId, wave, 0),
            Audit = [WaveAudit.Describe(null, wave, cluster.Clock.GetUtcNow())],
        });
        await regions.Wave.LookAsync();
        await regions.UntilAsync(view => view.Fleets[0].State == RolloutPhase.Active, "it begins");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task It_goes_on_when_a_silo_is_killed(int victim)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync(), silos: 2);
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2");
        Value(await regions.StartAsync([["eu-1"], ["eu-2"]]));
        await regions.UntilAsync(view => view.Fleets[0].State == RolloutPhase.Active, "it begins");

        await cluster.Silos.KillSiloAsync(cluster.Silos.Silos[victim]);
        await UntilAsync(
            async () =>
            {
                try
                {
                    return (await regions.Wave.GetAsync()).Succeeded && await cluster.Grains.Rollout(Tenant, "w1-1").LookAsync();
                }
                catch (Exception exception) when (exception is TimeoutException or OrleansException)
                {
                    return false;
                }
            },
            "wave and rollout answer again");

        await regions.PassUntilAsync(view => view.State == WavePhase.Complete, "the wave is complete");
        await regions.AllRunAsync(regions.Target, "eu-1", "eu-2");
    }

    [Fact]
    public async Task A_start_that_waits_for_its_admission_halts_nothing()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2");
        Value(await cluster.Grains.Limiter(Tenant).ConfigureAsync(new UpdateLimits(1, 60), As("admin")));

        Value(await regions.StartAsync([["eu-1", "eu-2"]], Regions.Standing));
        await regions.UntilAsync(view => view.Fleets.Any(fleet => fleet.Code == CommonCodes.AdmissionRefused), "one waits");
        Assert.Equal(WavePhase.Active, (await regions.GetAsync()).State);
        await cluster.LiftLimitAsync();
        cluster.Clock.Skip(TimeSpan.FromSeconds(30));
        await regions.UntilAsync(view => view.Fleets.All(fleet => fleet.State == RolloutPhase.Active), "both have begun");
    }

    [Fact]
    public async Task A_fleet_that_was_given_another_bundle_since_stays_with_it()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1");
        Value(await regions.StartAsync([["eu-1"]]));
        await regions.PassUntilAsync(view => view.State == WavePhase.Complete, "the wave is complete");
        await cluster.PublishAsync("3.0.0");
        var next = new StartRollout("eu-1", "3.0.0", Plans.Read(Regions.Standing), false, "newer rules");
        Value(await cluster.Grains.Rollout(Tenant, "next").StartAsync(next, As("otto")));

        Value(await regions.Wave.RollBackAsync("no good", As("olga")));
        await regions.UntilAsync(view => view.EndedAt is not null, "it is over");

        Assert.Equal(RolloutProblems.MovedOn, (await regions.GetAsync()).NotReturned.Single().Code);
        Assert.Equal(RolloutPhase.Active, (await cluster.GetAsync("next")).State);
    }

    [Fact]
    public async Task Nothing_starts_where_one_fleet_could_not_and_all_that_is_wrong_is_told_at_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var regions = await Regions.PrepareAsync(cluster, "eu-1", "eu-2", "us-1");
        Value(await cluster.Grains.Rollout(Tenant, "other").StartAsync(new StartRollout("us-1", "2.0.0", Plans.Read(Regions.Standing), false, "alone"), As("otto")));

        var refused = await regions.StartAsync([["eu-1"], ["us-1", "nowhere"]]);

        Assert.Equal([("rollout.in_flight", "$.fleets[1][0]"), ("fleet.unknown", "$.fleets[1][1]")], refused.Problems.Select(problem => (problem.Code, problem.Path)));
        Assert.StartsWith("us-1: ", refused.Problems[0].Message, StringComparison.Ordinal);
        var broken = await regions.StartAsync([["eu-1"], ["eu-2"]], """{"wedge_stages": [], "max_blast_radius": 300}""");
        Assert.All(broken.Problems, problem => Assert.StartsWith("$.rollout_wedge", problem.Path, StringComparison.Ordinal));
        Assert.Equal(broken.Problems.Length, broken.Problems.Distinct().Count());
        Assert.Empty(await cluster.Store.FindRolloutsAsync(Tenant, ["w1-1", "w1-2", "w1-3"]));
        Assert.Equal(WaveRules.UnknownCode, Code(await regions.Wave.GetAsync()));
        Assert.Equal(WaveRules.UnknownCode, Code(await regions.Wave.PauseAsync("?", As("olga"))));

        Value(await regions.StartAsync([["eu-1"], ["eu-2"]]));
        Assert.Equal([(WaveRules.OverlapsCode, "$.fleets[0][0]")], (await regions.StartAsync([["eu-2"]], id: "w2")).Problems.Select(problem => (problem.Code, problem.Path)));
        Assert.Equal(WaveRules.StateCode, Code(await regions.StartAsync([["eu-2"]])));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_two_waves_that_start_at_the_same_instant_one_has_the_fleet(bool restrained)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await Regions.PrepareAsync(cluster, "eu-1", "eu-2");
        if (restrained)
        {
            // Then there is a row to hold, which stays as it is: waves are told apart by their number alone.
            await cluster.RestrainAsync("caps.set", known => CapRules.Set(known, new TenantCaps(50, null, "we are few", As("olga").By, cluster.Clock.GetUtcNow())).Value!);
        }

        // No commit before both have seen that there is no wave; a machine that is too slow for that shows less, and nothing wrong.
        var (decided, bothDecided) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        cluster.Faults.BeforeCommit = (_, change) =>
        {
            if (change.Control is not { Kind: ControlKinds.Wave, ExpectedRevision: 0 })
            {
                return Task.CompletedTask;
            }

            if (Interlocked.Increment(ref decided) == 2)
            {
                bothDecided.SetResult();
            }

            return Task.WhenAny(bothDecided.Task, Task.Delay(TimeSpan.FromSeconds(5)));
        };

        var started = await Task.WhenAll(StartWaveAsync(cluster, "w1", [["eu-1"], ["eu-2"]]), StartWaveAsync(cluster, "w2", [["eu-2"]]));

        Assert.Single(started, outcome => outcome.Succeeded || Code(outcome) == CommonCodes.OperationExists);
        Assert.Single(started, outcome => !outcome.Succeeded && Code(outcome) == WaveRules.OverlapsCode);
        Assert.Single(await cluster.Store.ListControlsAsync(Tenant, ControlKinds.Wave));
    }

    // Where a start is not answered in time it is asked for again, as anybody would.
    private static async Task<Outcome<WaveView>> StartWaveAsync(PolicyCluster cluster, string id, ImmutableArray<ImmutableArray<string>> fleets)
    {
        Outcome<WaveView>? started = null;
        await UntilAsync(
            async () =>
            {
                started = await cluster.Grains.Wave(Tenant, id).StartAsync(
                    new StartWave(fleets, "2.0.0", Plans.Read(Regions.Standing), false, WaveOnHalt.Pause, [], "new rules"), As("olga", "start-" + id, "start-" + id));
                return started.Succeeded || Code(started) != CommonCodes.StoreUnavailable;
            },
            $"the start of {id} is answered");
        return started!;
    }

    private static Func<WaveView, bool> Both(RolloutPhase phase) => view => view.Fleets.All(fleet => fleet.State == phase);

    private static async Task<IEnumerable<string>> ActionsAsync(PolicyCluster cluster) =>
        (await cluster.Audit.ReadAsync(Tenant, 0, 1000)).Select(entry => entry.Draft.Action).Where(action => action.StartsWith("wave.", StringComparison.Ordinal));
}
