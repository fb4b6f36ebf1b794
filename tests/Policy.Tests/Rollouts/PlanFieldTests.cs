using System.Text.Json.Nodes;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>Each optional field of a plan, from its JSON to what the decider makes of it: beside it stands the same without the field.</summary>
public sealed class PlanFieldTests
{
    // The plan of these tests plans two hours for a stage and watches it for one.
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(null, RolloutReasons.Duration)]
    [InlineData("true", null)]
    public void Advance_early(string? value, string? why) => Ends(Looked("advance_early", value), why);

    [Theory]
    [InlineData(null, "samples.too_few")]
    [InlineData("\"hold\"", "samples.too_few")]
    [InlineData("\"extend\"", RolloutReasons.Window)]
    [InlineData("\"rollback\"", RolloutReasons.Inconclusive)]
    public void On_inconclusive(string? value, string why) => Ends(Looked("on_inconclusive", value, fleet => fleet.Decisions = 0), why);

    [Theory]
    [InlineData(null, "criterion.failed")]
    [InlineData("\"hold\"", "criterion.failed")]
    [InlineData("\"freeze\"", RolloutReasons.Frozen)]
    [InlineData("\"rollback\"", RolloutReasons.CriterionFailed)]
    public void On_fail(string? value, string why) => Ends(Looked("on_fail", value, fleet => fleet.ErrorRate = 0.02), why);

    [Theory]
    [InlineData(null, RolloutReasons.Duration)]
    [InlineData("\"hold\"", RolloutReasons.Duration)]
    [InlineData("\"rollback\"", RolloutReasons.Disarmed)]
    public void On_disarm(string? value, string why) => Ends(
        Looked("on_disarm", value, fleet => fleet.Disarm = new ArmRow
        {
            Scope = new ArmScope("default", "edge"),
            Armed = false,
            ArmEpoch = 8,
            Reason = "fire",
            By = new Actor("olga", "http"),
            At = fleet.Now,
        }),
        why);

    [Theory]
    [InlineData(null, 60)]
    [InlineData("30", 30)]
    public void Rollback_deadline_sec(string? value, int seconds)
    {
        var fleet = Looked("rollback_deadline_sec", value, fleet => fleet.ErrorRate = 0.06);

        Assert.Equal(fleet.Rollout.Return!.DetectedAt.AddSeconds(seconds), fleet.Rollout.Return.DueAt);
    }

    [Theory]
    [InlineData(null, 1, RolloutReasons.Nacks)]
    [InlineData("1", 1, RolloutReasons.Duration)]
    [InlineData("1", 2, RolloutReasons.Nacks)]
    [InlineData("\"20%\"", 1, RolloutReasons.Duration)]
    [InlineData("\"20%\"", 2, RolloutReasons.Nacks)]
    public void Nack_budget(string? value, int nacks, string why) => Ends(Looked("nack_budget", value, fleet => fleet.Nacked = nacks), why);

    [Theory]
    [InlineData(null, 99, "samples.too_few")]
    [InlineData(null, 100, RolloutReasons.Duration)]
    [InlineData("7", 7, RolloutReasons.Duration)]
    [InlineData("1001", 1_000, "samples.too_few")]
    public void Min_samples(string? value, int samples, string why) => Ends(Looked("min_samples", value, fleet => fleet.Decisions = samples), why);

    [Theory]
    [InlineData(null, 60.0, RolloutReasons.Duration)]
    [InlineData(null, 60.1, "samples.stale")]
    [InlineData("0.5", 0.6, "samples.stale")]
    [InlineData("90", 60.1, RolloutReasons.Duration)]
    public void Freshness_sec(string? value, double age, string why) =>
        Ends(Looked("freshness_sec", value, fleet => fleet.SampleAge = TimeSpan.FromSeconds(age)), why);

    [Theory]
    [InlineData(null, 1, RolloutReasons.Duration)]
    [InlineData(null, 2, RolloutReasons.NotAcked)]
    [InlineData("60", 2, RolloutReasons.Duration)]
    [InlineData("60", 3, RolloutReasons.NotAcked)]
    public void Min_acked_percentage(string? value, int missing, string why) =>
        Ends(Looked("min_acked_percentage", value, fleet => fleet.Unacked = missing), why);

    [Theory]
    [InlineData(null, 5)]
    [InlineData("""{"max_nodes": 3}""", 3)]
    [InlineData("""{"per_domain": 1}""", 2)]
    public void Caps(string? value, int assigned) => Assert.Equal(assigned, Looked("caps", value).Assigned);

    [Theory]
    [InlineData(null, 0, 5)]
    [InlineData("false", 0, 5)]
    [InlineData("true", -1, 0)]
    public void Shadow(string? value, int stageIndex, int assigned)
    {
        var fleet = Started("shadow", value);

        Assert.Equal((stageIndex, assigned), (fleet.Rollout.StageIndex, fleet.Assigned));
    }

    [Theory]
    [InlineData(null, RolloutReasons.Window)]
    [InlineData("{}", "criterion.failed")]
    [InlineData("""{"max_changed_decisions": 20}""", RolloutReasons.Window)]
    [InlineData("""{"max_changed_decisions": "1.9%"}""", "criterion.failed")]
    public void Backtest(string? value, string why)
    {
        var fleet = Started("backtest", value, shadow: true);
        fleet.ErrorRate = 0.02;

        LookAfter(fleet, Window);

        // Passed, it has just entered the first stage.
        Assert.Equal(why, fleet.Rollout.Why.Code);
    }

    private static void Ends(Fleet fleet, string? why)
    {
        if (why is null)
        {
            Assert.Equal(1, fleet.Rollout.StageIndex);
        }
        else
        {
            Assert.Equal((0, why), (fleet.Rollout.StageIndex, fleet.Rollout.Why.Code));
        }
    }

    // One window has passed in the first stage.
    private static Fleet Looked(string field, string? value, Action<Fleet>? meanwhile = null)
    {
        var fleet = Started(field, value);
        meanwhile?.Invoke(fleet);
        LookAfter(fleet, Window);
        return fleet;
    }

    private static Fleet Started(string field, string? value, bool shadow = false)
    {
        var json = PlanReaderTests.Json(PlanReaderTests.Valid, plan =>
        {
            plan["wedge_stages"]![1]!["success_criteria"] = new JsonArray("error_rate < 1%");
            plan["shadow"] = shadow;
            if (value is not null)
            {
                plan[field] = JsonNode.Parse(value);
            }
        });
        var fleet = new Fleet();
        Assert.True(fleet.StartRollout(PlanReader.Read(json, new PlanContext { ForStart = true }).Plan!).Succeeded);
        return fleet;
    }

    // Watched by a control plane that wrote its heartbeat a second ago.
    private static void LookAfter(Fleet fleet, TimeSpan time)
    {
        fleet.Now += time;
        fleet.State = fleet.Rollout with { SeenAt = fleet.Now - TimeSpan.FromSeconds(1) };
        fleet.Look();
    }
}
