using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class AttestationTests
{
    private const string Manual = "looks fine to ops";
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    [Fact]
    public void A_criterion_for_a_person_is_met_when_somebody_said_so_in_this_stage()
    {
        var fleet = Started();
        LookAfter(fleet, Window);
        Assert.Equal((Judge.ManualCode, Manual), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Criterion));

        Attest(fleet, true);
        LookAfter(fleet, TimeSpan.FromSeconds(1));

        Assert.Equal(1, fleet.Rollout.StageIndex);
        var result = ((RolloutEvent.Advanced)fleet.Events[^1]).Verdict.Criteria.Single(result => result.Criterion == Manual);
        Assert.Equal((VerdictKind.Pass, Fleet.Author.Subject), (result.Kind, result.AttestedBy));

        // The next stage is another matter.
        Assert.Empty(fleet.Rollout.Attestations);
        LookAfter(fleet, Window);
        Assert.Equal(Judge.ManualCode, fleet.Rollout.Why.Code);
    }

    [Fact]
    public void What_is_said_not_to_be_met_fails_and_the_last_word_counts()
    {
        var fleet = Started();
        Attest(fleet, true);
        Attest(fleet, false);
        LookAfter(fleet, Window);

        Assert.Equal(Judge.FailCode, fleet.Rollout.Why.Code);
        Assert.Equal($"'{Manual}' is not met: {Fleet.Author.Subject} said so.", fleet.Rollout.Why.Sentence);
        Assert.Single(fleet.Rollout.Attestations);
    }

    [Fact]
    public void A_pause_takes_it_back()
    {
        var fleet = Started();
        Attest(fleet, true);
        fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"));

        Assert.Empty(fleet.Rollout.Attestations);
    }

    [Fact]
    public void Only_the_stages_own_criteria_for_people_can_be_attested()
    {
        var fleet = Started();
        var refused = fleet.Do(new RolloutCommand.Attest(Fleet.Author, "error_rate < 1%", true, "it is")).Problems.Single();

        Assert.Equal((RolloutProblems.NotAttestable, $"The criteria for a person in stage stage-5 are: '{Manual}'."), (refused.Code, refused.Message));
        Assert.Equal(RolloutProblems.NotAttestable, fleet.Do(new RolloutCommand.Attest(Fleet.Author, "smells fine", true, "it does")).Problems.Single().Code);
    }

    [Fact]
    public void The_audit_names_the_criterion_and_what_was_said()
    {
        var fleet = Started();
        var before = fleet.Rollout;
        Attest(fleet, false);

        var entry = RolloutAudit.Describe(before, fleet.Rollout, fleet.Events[^1], null).Single();

        Assert.Equal(
            ("rollout.attested", Fleet.Author.Subject, "I looked", Manual, "false"),
            (entry.Action, entry.Actor, entry.Reason, entry.Detail!["criterion"], entry.Detail["met"]));
        Attest(fleet, true);
        Assert.Equal("true", RolloutAudit.Describe(before, fleet.Rollout, fleet.Events[^1], null).Single().Detail!["met"]);
    }

    private static Fleet Started()
    {
        var fleet = new Fleet();
        var plan = Fleet.Plan(5, 20, 100);
        fleet.StartRollout(plan with
        {
            IncrementPolicy = IncrementPolicy.Linear,
            Stages = [.. plan.Stages.Select(stage => stage with { SuccessCriteria = ["error_rate < 1%", Manual] })],
        });
        return fleet;
    }

    private static void Attest(Fleet fleet, bool met) =>
        Assert.True(fleet.Do(new RolloutCommand.Attest(Fleet.Author, Manual, met, "I looked")).Succeeded);

    private static void LookAfter(Fleet fleet, TimeSpan time)
    {
        fleet.Now += time;
        fleet.State = fleet.Rollout with { SeenAt = fleet.Now - TimeSpan.FromSeconds(1) };
        fleet.Look();
    }
}
