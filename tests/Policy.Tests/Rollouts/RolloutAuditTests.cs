using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class RolloutAuditTests
{
    [Fact]
    public void Every_event_of_the_wedge_is_told_with_time_stage_code_operator_and_metrics()
    {
        var fleet = new Fleet();
        var told = new List<AuditDraft>();
        Do(new RolloutCommand.Start(
            "default", "r1", "edge", Fleet.V2,
            Fleet.Plan(20, 100) with { InitialPercentage = 5, IncrementPolicy = IncrementPolicy.Manual, OnInconclusive = OnInconclusive.Extend },
            false, "v2 is better", Fleet.Author, 60, "00ff", fleet.Directive, fleet.Census));
        LookUntil(told.Count + 1);
        Do(new RolloutCommand.Pause(Fleet.Author, "lunch"));
        Do(new RolloutCommand.Resume(Fleet.Author, "lunch is over"));
        fleet.Decisions = 0;
        LookUntil(told.Count + 1);
        fleet.Decisions = 1_000;
        Do(new RolloutCommand.Approve(Fleet.Approver, "looks good"));
        LookUntil(told.Count + 1);
        LookUntil(told.Count + 1);

        Assert.Equal(
            [
                ("rollout.started", null, "ada"), ("rollout.stepped_up", null, "control-plane"), ("rollout.paused", "RWG-002", "ada"),
                ("rollout.resumed", null, "ada"), ("rollout.extended", null, "control-plane"), ("rollout.approved", null, "grace"),
                ("rollout.advanced", "RWG-001", "control-plane"), ("rollout.completed", "RWG-004", "control-plane"),
            ],
            told.Select(draft => (draft.Action, draft.Code, draft.Actor)));
        Assert.All(told, draft => Assert.Equal(("fleets/edge/rollouts/r1", 60.0), (draft.Subject, draft.HourSeconds)));
        Assert.Equal(["v2 is better", "lunch is over", "looks good"], new[] { told[0], told[3], told[5] }.Select(draft => draft.Reason));
        Assert.Equal("ada paused it: lunch", told[2].Reason);
        var advanced = told[6];
        Assert.Equal(("stage-100", 100m, "stage-20"), (advanced.StageId, advanced.TargetPercentage, advanced.Detail!["from_stage"]));
        Assert.Equal((1_000.0, 0.001), (advanced.Metrics!["decisions"], advanced.Metrics["error_rate"]));
        Assert.Equal(
            ("4", "100", "ACTIVE", "20", "20"),
            (advanced.Detail["epoch"], advanced.Detail["census"], advanced.Detail["state"], advanced.Detail["assigned"], advanced.Detail["acked"]));
        Assert.Equal("grace", advanced.Detail["approved_by"]);
        Assert.All(told.Where(draft => draft != advanced), draft => Assert.False(draft.Detail!.ContainsKey("approved_by"), draft.Action));
        Assert.Null(told[0].Metrics);

        void Do(RolloutCommand command, FleetObservation? seen = null)
        {
            var before = fleet.State;
            foreach (var e in fleet.Do(command).Value)
            {
                told.AddRange(RolloutAudit.Describe(before, fleet.Rollout, e, seen));
            }
        }

        void LookUntil(int count)
        {
            while (told.Count < count)
            {
                fleet.Now += TimeSpan.FromSeconds(1);
                var seen = fleet.See(RolloutDecider.WantsCensus(fleet.Rollout, fleet.Now));
                Do(new RolloutCommand.Observe(seen), seen);
            }
        }
    }

    [Fact]
    public void A_rollback_is_told_with_what_was_seen()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(20, 100));
        var before = fleet.Rollout;
        var seen = fleet.See(false) with
        {
            Nodes = new NodeCounts(20, 15, 2, 0, 1, 100, 20),
            Nacks = [new NackedNode("node-1", "bundle.unsigned"), new NackedNode("node-2", null)],
            FencedNodes = ["node-3"],
            Cohort = ImmutableSortedDictionary<string, MetricTotal>.Empty.Add("decisions", new MetricTotal(5, 5)).Add("empty", new MetricTotal(0, 0)),
        };
        var e = fleet.Do(new RolloutCommand.Observe(seen)).Value.Single();

        var draft = RolloutAudit.Describe(before, fleet.Rollout, e, seen).Single();

        Assert.Equal(("rollout.rolled_back", "RWG-003", "control-plane", "grain"), (draft.Action, draft.Code, draft.Actor, draft.Interface));
        Assert.Equal(
            ("node-1: bundle.unsigned; node-2: ", "node-3", "rollback.nack_budget", "ROLLED_BACK"),
            (draft.Detail!["nacks"], draft.Detail["fenced"], draft.Detail["why"], draft.Detail["state"]));
        Assert.Equal(["decisions"], draft.Metrics!.Keys);
    }

    [Theory]
    [InlineData("pause", "RWG-002")]
    [InlineData("rollback", "RWG-003")]
    [InlineData("supersede", "RWG-003")]
    public void What_a_person_does_is_told_with_what_the_last_look_was_judged_by(string what, string code)
    {
        var fleet = new Fleet();
        var plan = Fleet.Plan(20, 100);
        fleet.StartRollout(plan with
        {
            Stages = [.. plan.Stages.Select(stage => stage with
            {
                SuccessCriteria = ["error_rate < 1%", "p99(latency_ms) < 5", "decisions > 1 or error_rate < 2%", "error_rate < 1% over 15m", "looks fine"],
            })],
        });
        fleet.Do(new RolloutCommand.Observe(fleet.See(false) with
        {
            Cohort = fleet.See(false).Cohort.Add("latency_ms", new MetricTotal(100, 200) { Buckets = [new MetricBucket(4, 100)] }),
        }));
        var before = fleet.Rollout;

        var e = fleet.Do(what switch
        {
            "pause" => new RolloutCommand.Pause(Fleet.Approver, "wait"),
            "rollback" => new RolloutCommand.RollBack(Fleet.Approver, "back", fleet.Directive),
            _ => new RolloutCommand.Supersede(Fleet.Approver, "back", "f2", fleet.Directive.Epoch + 1),
        }).Value.Single();

        var draft = RolloutAudit.Describe(before, fleet.Rollout, e, null).Single();
        Assert.Equal((code, fleet.Now, "stage-20", 20m, "grace"), (draft.Code, draft.At, draft.StageId, draft.TargetPercentage, draft.Actor));
        Assert.Equal(["decisions", "error_rate", "p99(latency_ms)"], draft.Metrics!.Keys);
        Assert.Equal((1_000d, 0.001), (draft.Metrics["decisions"], draft.Metrics["error_rate"]));
    }

    [Fact]
    public void A_shrunk_census_is_told()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(20, 25, 100));
        fleet.Nodes.RemoveAll(node => Cohorts.AssignedHash(fleet.Directive, node) == Fleet.V1 && node.Registration % 3 > 0);
        fleet.LookFor(TimeSpan.FromMinutes(2));

        var draft = RolloutAudit.Describe(null, fleet.Rollout, fleet.Events[^1], null).Single();

        Assert.Equal(CohortCut.ShrunkCode, draft.Detail!["warnings"]);
    }

    [Fact]
    public void A_baseline_is_told_and_a_judgement_is_not()
    {
        var fleet = new Fleet { Directive = new Directive { Epoch = 0 } };
        fleet.Do(new RolloutCommand.SetBaseline("default", "b1", "edge", Fleet.V1, "first", Fleet.Author, 3600, "00", fleet.Directive, 3));

        var draft = RolloutAudit.Describe(null, fleet.Rollout, fleet.Events[0], null).Single();

        Assert.Equal(("fleet.baseline_set", "ada", "first", null), (draft.Action, draft.Actor, draft.Reason, draft.StageId));
        var judged = new RolloutEvent.Judged(fleet.Now, null, fleet.Rollout.Why, false, null, TimeSpan.Zero);
        Assert.Empty(RolloutAudit.Describe(fleet.Rollout, fleet.Rollout, judged, null));
    }

    [Fact]
    public void States_and_events_survive_storage()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(20, 100) with { InitialPercentage = 5, NackBudget = new NackBudget(null, 2), Caps = new PlanCaps(9) });
        fleet.LookFor(TimeSpan.FromMinutes(2));
        fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"));

        Assert.Equal(Json(fleet.Rollout), Json(JsonSerializer.Deserialize<RolloutState>(Json(fleet.Rollout), PolicyJson.Options)!));
        foreach (var e in fleet.Events)
        {
            var back = JsonSerializer.Deserialize<RolloutEvent>(Json(e), PolicyJson.Options)!;
            Assert.Equal((e.GetType(), Json(e), Json(e.NewDirective)), (back.GetType(), Json(back), Json(back.NewDirective)));
        }

        static string Json<T>(T value) => JsonSerializer.Serialize(value, PolicyJson.Options);
    }

    [Fact]
    public void A_view_shows_the_state()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(20, 100));
        var nodes = new NodeCounts(20, 20, 0, 0, 0);

        var view = RolloutViews.View(fleet.Rollout, nodes);

        Assert.Equal(
            ("r1", RolloutKind.Rollout, "edge", Fleet.V2, Fleet.V1, RolloutPhase.Active, "stage-20", 0, 20m, 2L),
            (view.RolloutId, view.Kind, view.Fleet, view.Target, view.Fallback, view.State, view.StageId, view.StageIndex, view.Percentage, view.Epoch));
        Assert.Equal(
            (nodes, "because", RolloutReasons.Window, 60.0, Fleet.Start, Fleet.Start),
            (view.Nodes, view.Reason, view.Why.Code, view.HourSeconds, view.StartedAt, view.StageStartedAt));
    }
}
