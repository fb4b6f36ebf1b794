using OrleansPolicy.Audit;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Policy.Tests.Waves;

/// <summary>What readers and the audit are told of a wave.</summary>
public sealed class WaveWordsTests
{
    private static readonly WaveCommand.RollBack RollBack = new(SomeWave.Ada, "back");

    private static Wave Second => SomeWave.Opened.Look(SomeWave.At("eu-1", 0, RolloutPhase.Complete));

    private static Wave Complete => Second.Look(SomeWave.At("eu-2", 1, RolloutPhase.Complete), SomeWave.At("us-1", 1, RolloutPhase.Complete));

    [Fact]
    public void Every_change_is_one_entry_with_who_did_it_and_why()
    {
        var halted = Second.Do(new WaveCommand.Pause(SomeWave.Ada, "wait"));
        var resumed = halted.Do(new WaveCommand.Resume(SomeWave.Ada, "go on", []));
        var back = Complete.Do(RollBack);
        var returned = back.Look([.. back.Places().Select(place => SomeWave.At(place.Fleet, place.Step, RolloutPhase.RolledBack))]);
        var kept = SomeWave.Opened.Do(RollBack).Look(SomeWave.At("eu-1", 0, RolloutPhase.Complete) with { Refused = new Problem(RolloutProblems.MovedOn, "elsewhere") });

        Assert.Equal(("wave.started", "ada", "new rules"), Of(null, SomeWave.Opened));
        Assert.Equal(("wave.advanced", "control-plane", "Step 2 of 2: eu-2, us-1."), Of(SomeWave.Opened, Second));
        Assert.Equal(("wave.halted", "ada", "ada halted it: wait"), Of(Second, halted));
        Assert.Equal(("wave.resumed", "ada", "Step 2 of 2: eu-2, us-1."), Of(halted, resumed));
        Assert.Equal(("wave.completed", "control-plane", "The rollout of every fleet is complete."), Of(Second, Complete));
        Assert.Equal(("wave.rolled_back", "ada", "ada took it back: back"), Of(Complete, back));
        Assert.Equal(("wave.returned", "control-plane", "ada took it back: back"), Of(back, returned));
        Assert.Equal(("wave.ended", "ada", "ada gave it up: enough"), Of(Second, Second.Do(new WaveCommand.End(SomeWave.Ada, "enough"))));
        var entry = WaveAudit.Describe(SomeWave.Opened.Do(RollBack), kept, SomeWave.Now);
        Assert.Equal(("waves/w1", "eu-1:rollout.moved_on", "1/2", "ROLLED_BACK"), (entry.Subject, entry.Detail!["not_returned"], entry.Detail["step"], entry.Detail["state"]));
        Assert.True(TenantEvents.Includes(entry));
    }

    [Fact]
    public void A_reader_sees_each_fleet_where_it_stands()
    {
        var view = WaveView.Of(Second,
        [
            SomeWave.NotBegun("eu-1", 0), SomeWave.At("eu-2", 1, RolloutPhase.Paused, RolloutReasons.ThreeWindows), SomeWave.NotBegun("us-1", 1, "admission.refused"),
        ]);

        Assert.Equal((2, 2, WavePhase.Active, "ada"), (view.Step, view.Steps, view.State, view.By));
        Assert.Equal(
            [
                ("eu-1", 1, RolloutPhase.Complete, null, null), ("eu-2", 2, RolloutPhase.Paused, "w1-2", RolloutReasons.ThreeWindows),
                ("us-1", 2, RolloutPhase.Pending, null, "admission.refused"),
            ],
            view.Fleets.Select(fleet => (fleet.Fleet, fleet.Step, fleet.State!.Value, fleet.RolloutId, fleet.Code)));
    }

    [Fact]
    public void One_that_was_taken_back_shows_by_what()
    {
        var back = SomeWave.At("eu-1", 0, RolloutPhase.Complete) with { Back = SomeWave.At("eu-1", 0, RolloutPhase.Active, RolloutReasons.FastTrack).Rollout! with { RolloutId = "w1-1-back" } };
        var fleet = WaveView.Of(Complete.Do(RollBack), [back]).Fleets.Single();

        Assert.Equal((RolloutPhase.RolledBack, "w1-1", "w1-1-back", RolloutReasons.FastTrack), (fleet.State, fleet.RolloutId, fleet.BackId, fleet.Code));
    }

    [Fact]
    public void A_fleet_without_a_rollout_in_a_complete_wave_ran_the_bundle_before()
    {
        Assert.Equal(RolloutPhase.Complete, WaveView.Of(Complete, [SomeWave.NotBegun("us-1", 1)]).Fleets.Single().State);
        Assert.All(WaveView.Of(Complete).Fleets, fleet => Assert.Null(fleet.State));
    }

    private static (string Action, string Actor, string? Reason) Of(Wave? before, Wave after)
    {
        var entry = WaveAudit.Describe(before, after, SomeWave.Now);
        return (entry.Action, entry.Actor, entry.Reason);
    }
}
