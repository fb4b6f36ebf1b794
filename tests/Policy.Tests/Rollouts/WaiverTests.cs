using System.Text.Json;
using OrleansPolicy.Audit;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class WaiverTests
{
    private static readonly DateTimeOffset Now = Fleet.Start;
    private static readonly Actor Ada = new("ada", "http");
    private static readonly Actor Bob = new("bob", "http");
    private static readonly Actor Eve = new("eve", "http");

    private static Waiver Requested => new()
    {
        WaiverId = "w1",
        Fleet = "edge",
        Rule = Waiver.MultiStage,
        Reason = "three nodes",
        RequestedBy = Ada,
        RequestedAt = Now,
        ExpiresAt = Now.AddDays(90),
    };

    private static Waiver Approved => WaiverRules.Approve(WaiverRules.Approve(Requested, Bob, "fine", Now).Value!, Eve, "fine", Now).Value!;

    [Theory]
    [InlineData(90.0, true)]
    [InlineData(90.1, false)]
    [InlineData(0.0, false)]
    [InlineData(-1.0, false)]
    public void It_lasts_at_most_ninety_days(double days, bool isFine)
    {
        var outcome = WaiverRules.Request(Requested with { ExpiresAt = Now.AddDays(days) });

        Assert.Equal(isFine ? null : WaiverRules.ExpiryCode, outcome.Succeeded ? null : outcome.Problems.Single().Code);
    }

    [Fact]
    public void Only_the_multi_stage_rule_and_the_backtest_can_be_waived()
    {
        Assert.Equal(WaiverRules.RuleCode, WaiverRules.Request(Requested with { Rule = "audit" }).Problems.Single().Code);
        Assert.True(WaiverRules.Request(Requested with { Rule = Waiver.Backtest }).Succeeded);
    }

    [Fact]
    public void Two_people_approve_it_and_neither_is_the_requester_nor_made_by_them()
    {
        Assert.Equal(WaiverState.Requested, Requested.StateAt(Now));
        Assert.Equal(WaiverState.Approved, Approved.StateAt(Now));
        var one = WaiverRules.Approve(Requested, Bob, "fine", Now).Value!;
        Assert.Equal(WaiverState.Requested, one.StateAt(Now));
        foreach (var (waiver, by) in new[]
        {
            (Requested, Ada), (one, Bob), (Requested, new Actor("carl", "http", "k", ["ada"])), (one, new Actor("carl", "http", "k", ["bob"])),
        })
        {
            Assert.Equal(WaiverRules.SamePersonCode, WaiverRules.Approve(waiver, by, "fine", Now).Problems.Single().Code);
        }

        Assert.Equal(WaiverRules.StateCode, WaiverRules.Approve(Approved, new Actor("joe", "http"), "me too", Now).Problems.Single().Code);
    }

    [Fact]
    public void It_ends_by_itself_or_by_hand()
    {
        Assert.Equal(WaiverState.Expired, Approved.StateAt(Now.AddDays(90)));
        Assert.Equal(WaiverRules.StateCode, WaiverRules.Approve(Requested, Bob, "late", Now.AddDays(90)).Problems.Single().Code);
        Assert.Equal(WaiverRules.StateCode, WaiverRules.Revoke(Approved, Bob, Now.AddDays(90)).Problems.Single().Code);
        var revoked = WaiverRules.Revoke(Approved, Bob, Now).Value!;
        Assert.Equal((WaiverState.Revoked, Bob, Now), (revoked.StateAt(Now.AddDays(100)), revoked.RevokedBy, revoked.RevokedAt));
        Assert.Equal(WaiverState.Revoked, WaiverRules.Revoke(Requested, Ada, Now).Value!.StateAt(Now));
        Assert.Equal(WaiverRules.StateCode, WaiverRules.Revoke(revoked, Bob, Now).Problems.Single().Code);
    }

    [Fact]
    public void It_is_for_one_fleet_and_perhaps_one_bundle()
    {
        Assert.Null(WaiverRules.Check(Approved, "edge", Fleet.V2, Now));
        Assert.Null(WaiverRules.Check(Approved with { PolicyHash = Fleet.V2 }, "edge", Fleet.V2, Now));
        Assert.Equal("The waiver w1 is not approved yet.", WaiverRules.Check(Requested, "edge", Fleet.V2, Now)!.Message);
        Assert.Equal("The waiver w1 is expired.", WaiverRules.Check(Approved, "edge", Fleet.V2, Now.AddDays(90))!.Message);
        Assert.Equal("The waiver w1 is taken back.", WaiverRules.Check(WaiverRules.Revoke(Approved, Bob, Now).Value!, "edge", Fleet.V2, Now)!.Message);
        Assert.Equal("The waiver w1 is for fleet edge.", WaiverRules.Check(Approved, "core", Fleet.V2, Now)!.Message);
        Assert.Equal($"The waiver w1 is for the bundle {Fleet.V1}.", WaiverRules.Check(Approved with { PolicyHash = Fleet.V1 }, "edge", Fleet.V2, Now)!.Message);
    }

    [Fact]
    public void Under_a_waiver_one_stage_is_enough_and_may_reach_everybody()
    {
        const string Plan =
            """
            {"wedge_stages": [{"stage_id": "all", "target_percentage": 100, "duration_hours": 2, "success_criteria": ["no errors"], "rollback_trigger": "errors > 0"}],
             "initial_percentage": 100, "increment_policy": "linear", "max_blast_radius": 100, "observation_window_hours": 1, "wedge_state": "PENDING"}
            """;
        var json = JsonDocument.Parse(Plan).RootElement;

        Assert.Equal(
            ["plan.stages_too_few", "plan.stage.first_target_above_25"],
            PlanReader.Read(json, new PlanContext()).Errors.Select(error => error.Code));
        var plan = PlanReader.Read(json, new PlanContext { Waived = true }).Plan!;
        Assert.Equal("plan.stages_too_few", PlanReader.Read(
            JsonDocument.Parse(Plan.Replace("""{"stage_id": "all", "target_percentage": 100, "duration_hours": 2, "success_criteria": ["no errors"], "rollback_trigger": "errors > 0"}""", "", StringComparison.Ordinal)).RootElement,
            new PlanContext { Waived = true }).Errors[0].Code);

        // And it is carried out, and shows what it used.
        var fleet = new Fleet(3);
        fleet.Do(new RolloutCommand.Start("default", "r1", "edge", Fleet.V2, plan with { Stages = [plan.Stages[0] with { SuccessCriteria = ["error_rate < 1%"] }] }, false, "because", Fleet.Author, 60, "00ff", fleet.Directive, fleet.Census)
        {
            WaiverId = "w1",
        });
        Assert.Equal("w1", RolloutViews.View(fleet.Rollout, null).WaiverId);
        Assert.Equal("w1", RolloutAudit.Describe(null, fleet.Rollout, fleet.Events[0], null).Single().Detail!["waiver"]);
        Assert.IsType<RolloutEvent.Completed>(fleet.LookFor(TimeSpan.FromMinutes(3)));
    }
}
