using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>A contract hour lasts a minute here.</summary>
public sealed class RolloutClockTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void A_stage_is_left_after_its_window_and_not_a_tick_earlier()
    {
        var fleet = Started();
        fleet.LookFor(TimeSpan.FromSeconds(59));

        fleet.Now = Fleet.Start + Minute - TimeSpan.FromTicks(1);
        Assert.IsNotType<RolloutEvent.Advanced>(fleet.Look(true).Value.SingleOrDefault());
        fleet.Now = Fleet.Start + Minute;
        Assert.IsType<RolloutEvent.Advanced>(fleet.Look().Value.Single());
    }

    [Fact]
    public void The_longer_of_window_and_duration_counts()
    {
        var fleet = Started(plan => Durations(plan, 2.5));

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(3 * Minute));
        Assert.Equal(Fleet.Start + (2.5 * Minute), fleet.Now);
        Assert.Contains(fleet.Events.OfType<RolloutEvent.Judged>(), judged => judged.Why is { Code: RolloutReasons.Duration, Limit: 2.5 });
    }

    [Fact]
    public void Advance_early_drops_the_duration()
    {
        var fleet = Started(plan => Durations(plan, 2.5) with { AdvanceEarly = true });

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(3 * Minute));
        Assert.Equal(Fleet.Start + Minute, fleet.Now);
    }

    [Fact]
    public void A_duration_below_the_window_does_not_shorten_it()
    {
        var fleet = Started(plan => Durations(plan, 0.1));

        fleet.LookFor(3 * Minute);

        Assert.Equal(Fleet.Start + Minute, fleet.Now);
    }

    [Fact]
    public void Three_windows_without_success_pause_it()
    {
        var fleet = Started();
        fleet.Decisions = 0;

        var paused = Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(4 * Minute));

        Assert.Equal(Fleet.Start + (3 * Minute), fleet.Now);
        Assert.Equal((RolloutReasons.ThreeWindows, 3.0, 3.0), (paused.Why.Code, paused.Why.Measured, paused.Why.Limit));
        Assert.Contains("0 decisions", paused.Why.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_three_windows_count_from_the_last_success()
    {
        var fleet = Started(plan => plan with { IncrementPolicy = IncrementPolicy.Manual });
        fleet.LookFor(2 * Minute);
        fleet.ErrorRate = 0.02;

        Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(5 * Minute));

        Assert.Equal(Fleet.Start + (5 * Minute) + Second, fleet.Now);
    }

    [Fact]
    public void Waiting_for_approval_with_a_standing_pass_never_pauses()
    {
        var fleet = Started(plan => plan with { IncrementPolicy = IncrementPolicy.Manual });

        Assert.Null(fleet.LookFor(10 * Minute));

        Assert.Equal((RolloutPhase.Active, RolloutReasons.Approval), (fleet.Rollout.Phase, fleet.Rollout.Why.Code));
        fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine"));
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(2 * Second));
    }

    [Fact]
    public void Extending_gives_one_more_window_once_and_moves_the_limit_by_it()
    {
        var fleet = Started(plan => plan with { OnInconclusive = OnInconclusive.Extend });
        fleet.Decisions = 0;

        Assert.IsType<RolloutEvent.Extended>(fleet.LookFor(2 * Minute));
        Assert.Equal(Fleet.Start + Minute, fleet.Now);
        Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(5 * Minute));
        Assert.Equal(Fleet.Start + (4 * Minute), fleet.Now);
    }

    [Fact]
    public void Each_stage_may_be_extended()
    {
        var fleet = Started(plan => plan with { OnInconclusive = OnInconclusive.Extend });
        fleet.Decisions = 0;
        fleet.LookFor(2 * Minute);
        fleet.Decisions = 1_000;
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(2 * Minute));

        fleet.Decisions = 0;
        Assert.IsType<RolloutEvent.Extended>(fleet.LookFor(2 * Minute));
    }

    [Fact]
    public void Resuming_starts_a_full_new_window_and_paused_time_is_no_duration()
    {
        var fleet = Started(plan => Durations(plan, 2));
        fleet.LookFor(TimeSpan.FromSeconds(50));
        fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"));
        fleet.LookFor(10 * Minute);
        var resumed = fleet.Now;
        fleet.Do(new RolloutCommand.Resume(Fleet.Author, "go on"));

        Assert.Equal(resumed, RolloutDecider.WindowStart(fleet.Rollout, resumed + Second));
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(5 * Minute));

        // 50 s of the two minutes had passed; the window needs 60 s, the duration 70 s more.
        Assert.Equal(resumed + TimeSpan.FromSeconds(70), fleet.Now);
    }

    [Fact]
    public void A_resumed_stage_gets_its_three_windows_anew()
    {
        var fleet = Started();
        fleet.Decisions = 0;
        fleet.LookFor(4 * Minute);
        fleet.Do(new RolloutCommand.Resume(Fleet.Author, "go on"));
        var resumed = fleet.Now;

        Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(4 * Minute));
        Assert.Equal(resumed + (3 * Minute), fleet.Now);
    }

    [Fact]
    public void Time_in_which_no_samples_could_arrive_does_not_count()
    {
        var fleet = Started();
        fleet.LookFor(TimeSpan.FromSeconds(30));
        var lastWord = fleet.Rollout.SeenAt;

        // The control plane dies, comes back after 20 s, and looks a second later.
        fleet.Now += TimeSpan.FromSeconds(20);
        fleet.ObservingSince = fleet.Now;
        var lost = fleet.Now - lastWord;

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(2 * Minute));
        Assert.Equal(Fleet.Start + Minute + lost, fleet.Now);
        Assert.True(lost < TimeSpan.FromSeconds(20) + fleet.Rollout.StageStartedAt.Subtract(Fleet.Start));
        Assert.Equal(lost, fleet.Events.OfType<RolloutEvent.Judged>().Single(judged => judged.Unobserved > TimeSpan.Zero).Unobserved);
    }

    [Fact]
    public void Time_in_which_no_samples_could_arrive_does_not_pause_it_either()
    {
        var fleet = Started();
        fleet.Decisions = 0;
        fleet.LookFor(2 * Minute);
        fleet.Now += 10 * Minute;
        fleet.ObservingSince = fleet.Now;
        fleet.Decisions = 1_000;

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(2 * Minute));
    }

    [Theory]
    [InlineData(OnInconclusive.Rollback, typeof(RolloutEvent.RolledBack))]
    [InlineData(OnInconclusive.Extend, typeof(RolloutEvent.Extended))]
    public void Nothing_is_concluded_from_samples_that_a_restart_lost_before_a_whole_window_was_observed_again(OnInconclusive action, Type concluded)
    {
        var fleet = Started(plan => Durations(plan, 5) with { OnInconclusive = action });
        fleet.LookFor(1.5 * Minute);
        fleet.Now += Second;
        fleet.ObservingSince = fleet.Now;
        fleet.Decisions = 0;

        Assert.Null(fleet.LookFor(Minute - Second));
        Assert.Equal((RolloutPhase.Active, "samples.too_few"), (fleet.Rollout.Phase, fleet.Rollout.Why.Code));

        // Still none, and by now it is not the restart that lacks them.
        Assert.IsType(concluded, fleet.LookFor(Minute));
        Assert.Equal(fleet.ObservingSince + Minute, fleet.Now);
    }

    [Theory]
    [InlineData(OnInconclusive.Rollback, typeof(RolloutEvent.RolledBack), 1)]
    [InlineData(OnInconclusive.Extend, typeof(RolloutEvent.Extended), 1)]
    [InlineData(OnInconclusive.Hold, typeof(RolloutEvent.Paused), 3)]
    public void Nothing_is_concluded_after_an_epoch_was_raised_before_a_whole_window_was_observed_under_it(OnInconclusive action, Type concluded, int windows)
    {
        var fleet = Started(plan => Durations(plan, 10) with { OnInconclusive = action });
        fleet.LookFor(1.5 * Minute);
        fleet.EpochBehind = 50;
        Assert.Null(fleet.LookFor(4 * Minute));
        Assert.Equal(RolloutReasons.EpochBehind, fleet.Rollout.Why.Code);

        // The samples of the epoch before ended with it.
        fleet.Do(new RolloutCommand.RaiseEpoch(Fleet.Author, "restored", fleet.Directive with { Epoch = 51 }));
        (fleet.EpochBehind, fleet.Decisions) = (null, 0);
        var raised = fleet.Now;

        Assert.Null(fleet.LookFor(Minute - Second));
        Assert.Equal((RolloutPhase.Active, RolloutReasons.Window, 51), (fleet.Rollout.Phase, fleet.Rollout.Why.Code, fleet.Rollout.Epoch));

        // Still none, and by now it is not the raise that lacks them.
        Assert.IsType(concluded, fleet.LookFor(3 * Minute));
        Assert.Equal(raised + (windows * Minute), fleet.Now);
    }

    [Fact]
    public void Time_in_which_nodes_know_a_higher_epoch_counts_for_nothing_also_where_it_ends_by_itself()
    {
        var fleet = Started(plan => Durations(plan, 2) with { OnInconclusive = OnInconclusive.Rollback });
        fleet.LookFor(30 * Second);
        (fleet.EpochBehind, fleet.Decisions) = (50, 0);
        Assert.Null(fleet.LookFor(10 * Minute));

        // The node that lied about it was deleted.
        fleet.EpochBehind = null;
        var over = fleet.Now;
        Assert.Null(fleet.LookFor(30 * Second));
        fleet.Decisions = 1_000;

        // 30 s of the two minutes had passed, of which some beats may not count.
        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(3 * Minute));
        Assert.InRange(fleet.Now - over, 80 * Second, 100 * Second);
    }

    [Fact]
    public void A_restart_does_not_forget_that_the_window_failed()
    {
        var fleet = Started();
        fleet.ErrorRate = 0.02;
        Assert.Null(fleet.LookFor(Minute - Second));
        Assert.Equal(VerdictKind.Fail, fleet.Rollout.Verdict!.Kind);

        // A second of the window is left, and what is reported in it would pass.
        fleet.Now += Second;
        fleet.ObservingSince = fleet.Now;
        fleet.ErrorRate = 0;

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(2 * Minute));
        Assert.Equal(fleet.ObservingSince + Second + Minute, fleet.Now);
    }

    [Fact]
    public void Samples_that_arrive_again_after_a_restart_are_enough_to_go_on()
    {
        var fleet = Started(plan => Durations(plan, 1.5) with { OnInconclusive = OnInconclusive.Rollback });
        fleet.LookFor(80 * Second);
        fleet.Now += Second;
        fleet.ObservingSince = fleet.Now;
        fleet.Decisions = 0;
        fleet.LookFor(30 * Second);

        fleet.Decisions = 1_000;

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(2 * Second));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Three_windows_are_not_used_up_by_a_time_in_which_nobody_looked_however_short_they_are(double windowSec)
    {
        var fleet = Started(plan => plan with { ObservationWindowHours = windowSec / 60 });
        fleet.Decisions = 0;
        fleet.LookFor(Second);

        // The database was away for three windows or more; whoever drives the rollout was there all the time.
        fleet.Now += 6 * Second;
        fleet.LookFor(Second);

        Assert.Equal(RolloutPhase.Active, fleet.Rollout.Phase);
        Assert.InRange(fleet.Events.OfType<RolloutEvent.Judged>().Single(judged => judged.Unobserved > TimeSpan.Zero).Unobserved, 6 * Second, 8 * Second);
    }

    [Fact]
    public void A_last_success_moves_on_with_the_clocks()
    {
        var fleet = Started(plan => plan with { IncrementPolicy = IncrementPolicy.Manual });
        fleet.LookFor(2 * Minute);
        fleet.Decisions = 0;
        fleet.LookFor(Second);
        fleet.Now += 10 * Minute;
        fleet.ObservingSince = fleet.Now;
        var back = fleet.Now;

        Assert.IsType<RolloutEvent.Paused>(fleet.LookFor(5 * Minute));
        Assert.InRange(fleet.Now - back, (3 * Minute) - (15 * Second), 3 * Minute);
    }

    [Fact]
    public void A_clock_that_jumps_forward_shortens_no_window()
    {
        var fleet = Started();
        fleet.LookFor(TimeSpan.FromSeconds(10));
        fleet.Now += TimeSpan.FromHours(1);
        var jumped = fleet.Now;

        Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(2 * Minute));
        Assert.InRange(fleet.Now - jumped, 45 * Second, 60 * Second);
    }

    [Fact]
    public void A_clock_that_steps_back_stands_still()
    {
        var fleet = Started();
        fleet.LookFor(TimeSpan.FromSeconds(30));
        var seen = fleet.Rollout.SeenAt;

        fleet.Now = Fleet.Start - TimeSpan.FromHours(1);
        fleet.LookFor(TimeSpan.FromSeconds(10));
        fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"));

        Assert.Equal(seen, fleet.Rollout.SeenAt);
        Assert.Equal((seen, Fleet.Author), (fleet.Rollout.PausedAt, fleet.Rollout.PausedBy));
        Assert.Equal(fleet.Events.Select(e => e.At).Order(), fleet.Events.Select(e => e.At));
    }

    [Theory]
    [InlineData(3.0, 1)]
    [InlineData(60, 6)]
    [InlineData(3600, 60)]
    public void A_rollout_that_holds_is_written_now_and_then(double hourSeconds, int beatSeconds)
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 100) with { ObservationWindowHours = 1, IncrementPolicy = IncrementPolicy.Manual }, hourSeconds);
        fleet.LookFor(4 * TimeSpan.FromSeconds(hourSeconds) < 4 * Minute ? 4 * Minute : TimeSpan.FromSeconds(600));

        var beats = fleet.Events.OfType<RolloutEvent.Judged>().Select(judged => judged.At).ToArray();
        Assert.Equal(beatSeconds, beats.Zip(beats.Skip(1), (one, next) => (next - one).TotalSeconds).Max());
    }

    [Fact]
    public void Somebody_looks_within_five_seconds_and_whenever_a_clock_runs_out()
    {
        var fleet = Started(plan => Durations(plan, 1.5));
        var active = fleet.Rollout;

        Assert.Equal(new RolloutDeadline("look", Fleet.Start.AddSeconds(5)), Assert.Single(RolloutDecider.Deadlines(active)));
        Assert.Equal(Fleet.Start.AddSeconds(60), Due(active with { SeenAt = Fleet.Start.AddSeconds(58) }));
        Assert.Equal(Fleet.Start.AddSeconds(90), Due(active with { SeenAt = Fleet.Start.AddSeconds(86) }));
        Assert.Equal(Fleet.Start.AddSeconds(180), Due(active with { SeenAt = Fleet.Start.AddSeconds(179) }));
        Assert.Equal(Fleet.Start.AddSeconds(65), Due(active with { Phase = RolloutPhase.Paused, SeenAt = Fleet.Start.AddSeconds(60) }));
        Assert.Empty(RolloutDecider.Deadlines(active with { Phase = RolloutPhase.Complete }));
        Assert.Empty(RolloutDecider.Deadlines(active with { Plan = null }));

        static DateTimeOffset Due(RolloutState state) => RolloutDecider.Deadlines(state).Single().DueAt;
    }

    [Fact]
    public void A_census_is_wanted_where_a_stage_could_be_entered()
    {
        var state = Started().Rollout;
        var end = Fleet.Start + Minute;
        var manual = state with { Plan = state.Plan! with { IncrementPolicy = IncrementPolicy.Manual } };

        Assert.False(RolloutDecider.WantsCensus(state, end - Second));
        Assert.True(RolloutDecider.WantsCensus(state, end));
        Assert.False(RolloutDecider.WantsCensus(manual, end));
        Assert.True(RolloutDecider.WantsCensus(manual with { ApprovedBy = Fleet.Approver }, end));
        Assert.True(RolloutDecider.WantsCensus(manual with { AtInitialPercentage = true }, end));
        Assert.False(RolloutDecider.WantsCensus(state with { StageIndex = 1 }, end));
        Assert.False(RolloutDecider.WantsCensus(state with { Phase = RolloutPhase.Paused }, end));
        Assert.False(RolloutDecider.WantsCensus(state with { Plan = null }, end));
    }

    [Fact]
    public void The_trailing_window_never_reaches_back_before_the_stage()
    {
        var state = Started().Rollout;

        Assert.Equal(Fleet.Start, RolloutDecider.WindowStart(state, Fleet.Start + (Minute / 2)));
        Assert.Equal(Fleet.Start + Minute, RolloutDecider.WindowStart(state, Fleet.Start + (2 * Minute)));
        Assert.Equal(Fleet.Start, RolloutDecider.WindowStart(state, Fleet.Start - Minute));
        Assert.Equal(Fleet.Start, RolloutDecider.WindowStart(state with { Plan = null }, Fleet.Start + Minute));
    }

    private static RolloutPlan Durations(RolloutPlan plan, double hours) =>
        plan with { Stages = [.. plan.Stages.Select(stage => stage with { DurationHours = hours })] };

    private static Fleet Started(Func<RolloutPlan, RolloutPlan>? change = null)
    {
        var fleet = new Fleet();
        var plan = Fleet.Plan(5, 100);
        fleet.StartRollout(change is null ? plan : change(plan));
        return fleet;
    }
}
