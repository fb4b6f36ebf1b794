using System.Text.Json;
using OrleansPolicy.Audit;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Policy.Tests.Waves;

public sealed class WaveDeciderTests
{
    private static readonly WaveCommand.Pause Pause = new(SomeWave.Ada, "wait");
    private static readonly WaveCommand.RollBack RollBack = new(SomeWave.Ada, "back");

    private static Wave Second => SomeWave.Opened.Look(SomeWave.At("eu-1", 0, RolloutPhase.Complete));

    [Fact]
    public void It_begins_with_its_first_step_and_lets_no_other_fleet_start()
    {
        var wave = SomeWave.Opened;

        Assert.Equal((WavePhase.Active, 0, "Step 1 of 2: eu-1."), (wave.State, wave.Step, wave.Why.Sentence));
        Assert.True(WaveDecider.LetsStart(wave, "eu-1"));
        Assert.False(WaveDecider.LetsStart(wave, "eu-2"));
        Assert.False(WaveDecider.LetsStart(Second, "eu-1"));
        Assert.True(WaveDecider.LetsStart(Second, "eu-2") && WaveDecider.LetsStart(Second, "us-1"));
        Assert.False(WaveDecider.LetsStart(Second.Do(Pause), "eu-2"));
        Assert.False(WaveDecider.LetsStart(Second.Do(RollBack), "eu-2"));
    }

    [Fact]
    public void A_fleets_rollout_and_its_way_back_have_the_same_ids_whenever_they_are_asked_for()
    {
        var ids = SomeWave.Opened.Places().Select(place => (SomeWave.Opened.RolloutIdOf(place.Fleet), SomeWave.Opened.BackIdOf(place.Fleet)));

        Assert.Equal([("w1-1", "w1-1-back"), ("w1-2", "w1-2-back"), ("w1-3", "w1-3-back")], ids);
        Assert.All(ids, id => Assert.True(Names.IsValid(id.Item1) && Names.IsValid(id.Item2)));
    }

    [Theory]
    [InlineData(WavePhase.Active, null, WaveOrder.Start)]
    [InlineData(WavePhase.Active, RolloutPhase.Active, null)]
    [InlineData(WavePhase.Active, RolloutPhase.Paused, WaveOrder.Resume)]
    [InlineData(WavePhase.Active, RolloutPhase.Complete, null)]
    [InlineData(WavePhase.Active, RolloutPhase.RolledBack, null)]
    [InlineData(WavePhase.Halted, null, null)]
    [InlineData(WavePhase.Halted, RolloutPhase.Active, WaveOrder.Pause)]
    [InlineData(WavePhase.Halted, RolloutPhase.Paused, null)]
    [InlineData(WavePhase.Halted, RolloutPhase.Complete, null)]
    [InlineData(WavePhase.Halted, RolloutPhase.RolledBack, null)]
    [InlineData(WavePhase.Complete, RolloutPhase.Complete, null)]
    [InlineData(WavePhase.RolledBack, null, null)]
    [InlineData(WavePhase.RolledBack, RolloutPhase.Active, WaveOrder.RollBack)]
    [InlineData(WavePhase.RolledBack, RolloutPhase.Paused, WaveOrder.RollBack)]
    [InlineData(WavePhase.RolledBack, RolloutPhase.Complete, WaveOrder.FastTrack)]
    [InlineData(WavePhase.RolledBack, RolloutPhase.RolledBack, null)]
    [InlineData(WavePhase.Ended, null, null)]
    [InlineData(WavePhase.Ended, RolloutPhase.Active, null)]
    public void What_it_asks_of_a_fleet_follows_from_where_both_stand(WavePhase state, RolloutPhase? rollout, WaveOrder? order)
    {
        var fleet = rollout is { } phase ? SomeWave.At("eu-1", 0, phase) : SomeWave.NotBegun("eu-1", 0);
        var wave = SomeWave.Opened with { State = state };

        Assert.Equal(order, WaveDecider.OrderFor(wave, fleet));
        if (state == WavePhase.RolledBack)
        {
            Assert.Null(WaveDecider.OrderFor(wave with { EndedAt = SomeWave.Now }, fleet));
        }
    }

    [Fact]
    public void A_fleet_that_is_on_its_way_back_is_not_asked_again()
    {
        var back = SomeWave.At("eu-1", 0, RolloutPhase.Complete) with { Back = SomeWave.At("eu-1", 0, RolloutPhase.Active).Rollout };

        Assert.Null(WaveDecider.OrderFor(SomeWave.Opened.Do(RollBack), back));
    }

    [Fact]
    public void A_look_wants_its_step_and_on_the_way_back_all_that_had_their_turn()
    {
        Assert.Equal((false, true), (WaveDecider.Watches(Second, 0), WaveDecider.Watches(Second, 1)));
        Assert.Equal((true, true), (WaveDecider.Watches(Second.Do(RollBack), 0), WaveDecider.Watches(Second.Do(RollBack), 1)));
        Assert.Equal((true, false), (WaveDecider.Watches(SomeWave.Opened.Do(RollBack), 0), WaveDecider.Watches(SomeWave.Opened.Do(RollBack), 1)));
    }

    [Fact]
    public void One_that_is_resumed_goes_on_with_what_was_paused_before_and_halts_on_what_pauses_after()
    {
        var halted = Second.Do(Pause);
        var resumed = halted.Do(new WaveCommand.Resume(SomeWave.Ada, "go on", []));
        var before = SomeWave.At("eu-2", 1, RolloutPhase.Paused, RolloutReasons.PausedByOperator, resumed.ResumedAt);
        var after = SomeWave.At("us-1", 1, RolloutPhase.Paused, RolloutReasons.ThreeWindows, resumed.ResumedAt!.Value.AddTicks(1));

        Assert.Same(resumed, resumed.Look(before, SomeWave.At("us-1", 1, RolloutPhase.Active)));
        Assert.Equal(WaveOrder.Resume, WaveDecider.OrderFor(resumed, before));
        Assert.Equal((WavePhase.Halted, WaveReasons.FleetPaused), (resumed.Look(before, after).State, resumed.Look(before, after).Why.Code));
        Assert.Contains("us-1", resumed.Look(before, after).Why.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pause_of_its_own_that_comes_after_it_was_resumed_halts_nothing_and_is_lifted()
    {
        var resumed = Second.Do(Pause).Do(new WaveCommand.Resume(SomeWave.Ada, "go on", []));
        var other = SomeWave.At("eu-2", 1, RolloutPhase.Active);
        WaveFleet PausedBy(Actor by)
        {
            var paused = SomeWave.At("us-1", 1, RolloutPhase.Paused, RolloutReasons.PausedByOperator, resumed.ResumedAt!.Value.AddTicks(1));
            return paused with { Rollout = paused.Rollout! with { PausedBy = by } };
        }

        var late = PausedBy(SomeWave.Ada with { Interface = Wave.Interface });

        Assert.Same(resumed, resumed.Look(other, late));
        Assert.Equal(WaveOrder.Resume, WaveDecider.OrderFor(resumed, late));
        Assert.Equal(WavePhase.Halted, resumed.Look(other, PausedBy(SomeWave.Ada)).State);
    }

    [Fact]
    public void A_fleet_that_went_back_is_told_before_one_that_paused_and_that_before_one_that_did_not_start()
    {
        var (back, paused, refused) = (
            SomeWave.At("eu-2", 1, RolloutPhase.RolledBack, RolloutReasons.Trigger), SomeWave.At("us-1", 1, RolloutPhase.Paused, RolloutReasons.Frozen, SomeWave.Now),
            SomeWave.NotBegun("us-1", 1, "rollout.in_flight"));

        Assert.Equal(WaveReasons.FleetRolledBack, Second.Look(paused, back).Why.Code);
        Assert.Equal(WaveReasons.FleetPaused, Second.Look(refused with { Fleet = "eu-2" }, paused).Why.Code);
        Assert.Equal(WaveReasons.FleetRefused, Second.Look(SomeWave.At("eu-2", 1, RolloutPhase.Active), refused).Why.Code);
    }

    [Fact]
    public void A_fleet_of_another_step_changes_nothing()
    {
        var second = Second;

        Assert.Same(second, second.Look(
            SomeWave.At("eu-1", 0, RolloutPhase.RolledBack), SomeWave.At("eu-2", 1, RolloutPhase.Active), SomeWave.At("us-1", 1, RolloutPhase.Active)));
    }

    [Fact]
    public void A_way_back_is_over_when_every_fleets_own_has_begun_or_cannot_be_and_not_before()
    {
        var back = Second.Do(RollBack);
        var complete = SomeWave.At("eu-1", 0, RolloutPhase.Complete);
        var returned = complete with { Back = SomeWave.At("eu-1", 0, RolloutPhase.Active).Rollout };
        var (gone, unbegun) = (SomeWave.At("eu-2", 1, RolloutPhase.RolledBack), SomeWave.NotBegun("us-1", 1));

        Assert.Same(back, back.Look(complete, gone, unbegun));
        Assert.Same(back, back.Look(complete with { Refused = new Problem("store.unavailable", "later") }, gone, unbegun));
        Assert.Same(back, back.Look(complete with { Refused = new Problem(RolloutReasons.EpochBehind, "restored") }, gone, unbegun));
        Assert.Same(back, back.Look(returned, SomeWave.At("eu-2", 1, RolloutPhase.Paused), unbegun));
        Assert.True(back.Look(returned, gone, unbegun) is { IsOver: true, NotReturned.IsEmpty: true });
        var kept = back.Look(complete with { Refused = new Problem("bundle.unknown", "not there") }, gone, unbegun);
        Assert.Equal([new WaveNotReturned("eu-1", "bundle.unknown", "not there")], kept.NotReturned);
        Assert.Contains("eu-1 (bundle.unknown)", kept.Why.Next, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_complete_or_given_up_is_taken_back_too_and_is_then_no_longer_over()
    {
        var complete = Second.Look(SomeWave.At("eu-2", 1, RolloutPhase.Complete), SomeWave.At("us-1", 1, RolloutPhase.Complete));

        Assert.True(complete is { State: WavePhase.Complete, IsOver: true });
        Assert.True(complete.Do(RollBack) is { State: WavePhase.RolledBack, IsOver: false, Step: 1 });
        Assert.True(Second.Do(new WaveCommand.End(SomeWave.Ada, "enough")).Do(RollBack) is { State: WavePhase.RolledBack, IsOver: false });
    }

    [Fact]
    public void It_is_stored_as_it_is()
    {
        var wave = Second with { Overrides = [new WaveOverride("us-1", JsonElement.Parse("""{"a":1}"""), "waiver")] };
        var read = JsonSerializer.Deserialize<Wave>(JsonSerializer.Serialize(wave, PolicyJson.Options), PolicyJson.Options)!;

        Assert.Equal(wave.Places(), read.Places());
        Assert.Equal(("{\"a\":1}", "{}"), (read.PlanOf("us-1").GetRawText(), read.PlanOf("eu-2").GetRawText()));
        Assert.Equal(("waiver", null), (read.WaiverOf("us-1"), read.WaiverOf("eu-2")));
        Assert.Equal((wave.State, wave.Step, wave.Why, wave.By.Subject), (read.State, read.Step, read.Why, read.By.Subject));
    }

    [Fact]
    public void Names_of_states_are_those_of_the_wire()
    {
        foreach (var state in Enum.GetValues<WavePhase>())
        {
            Assert.Equal(JsonSerializer.Serialize(state, PolicyJson.Options), $"\"{WaveDecider.NameOf(state)}\"");
        }

        Assert.Throws<InvariantViolationException>(() => WaveDecider.NameOf((WavePhase)99));
        Assert.Throws<InvariantViolationException>(() => WaveDecider.Decide(SomeWave.Opened, null!, SomeWave.Now));
    }
}
