namespace OrleansPolicy.Rollouts;

/// <summary>A rollout's clocks, in real time: contract hours are scaled by the hour the rollout was started with.</summary>
internal readonly record struct RolloutTimes(RolloutState State, RolloutPlan Plan, DateTimeOffset Now)
{
    /// <summary>How often the scanner must have seen a rollout looked at.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>How soon after a decision to go back somebody looks whether it is durable.</summary>
    public static readonly TimeSpan DurableWithin = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan BeatMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BeatMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan JumpReserveMin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan JumpReserveMax = TimeSpan.FromSeconds(10);

    /// <summary>How many windows without success pause a rollout.</summary>
    public const int PauseWindows = 3;

    /// <summary>The observation window.</summary>
    public TimeSpan Window => Hours(Plan.ObservationWindowHours);

    /// <summary>How long the window has been running.</summary>
    public TimeSpan InWindow => Now - State.WindowStartedAt;

    /// <summary>How long the stage has been running, pauses and blind time not counted.</summary>
    public TimeSpan InStage => Now - State.StageClockStart;

    /// <summary>The planned duration of what the rollout is in; the initial percentage lasts one window.</summary>
    public TimeSpan Duration =>
        State.AtInitialPercentage || Plan.AdvanceEarly || State.Stage is not { } stage ? Window : Longer(Window, Hours(stage.DurationHours));

    /// <summary>Whether a full window was observed.</summary>
    public bool WindowPassed => InWindow >= Window;

    /// <summary>Whether everything that only time can bring is there.</summary>
    public bool TimePassed => WindowPassed && InStage >= Duration;

    /// <summary>Since when success is missing: the start of the window, or the last moment at which it was there.</summary>
    public DateTimeOffset MissingSince => State.LastHealthyAt is { } healthy && healthy > State.WindowStartedAt ? healthy : State.WindowStartedAt;

    /// <summary>How often a rollout that stays where it is is written nevertheless, so that its clocks survive a restart.</summary>
    public TimeSpan Beat => Window / 10 is var tenth && tenth < BeatMin ? BeatMin : tenth > BeatMax ? BeatMax : tenth;

    /// <summary>What a busy machine may be late by. Not more than a window: an outage must not use up the three after which a rollout pauses.</summary>
    private TimeSpan JumpReserve => Window < JumpReserveMin ? JumpReserveMin : Window > JumpReserveMax ? JumpReserveMax : Window;

    /// <summary>
    /// Time since the last event in which no samples could arrive: the control plane was down, or (a jump of the clock looks the same)
    /// nobody looked for longer than a working control plane ever leaves it.
    /// </summary>
    public TimeSpan Unobserved(DateTimeOffset? observingSince)
    {
        if (observingSince > State.SeenAt)
        {
            return (observingSince < Now ? observingSince.Value : Now) - State.SeenAt;
        }

        var sinceSeen = Now - State.SeenAt;
        return sinceSeen > (2 * Beat) + JumpReserve ? sinceSeen : TimeSpan.Zero;
    }

    /// <summary>Whether a whole window's samples are kept: a control plane that starts anew has lost those from before.</summary>
    public bool KeepsWholeWindow(DateTimeOffset? observingSince) => observingSince is not { } since || Now - since >= Window;

    /// <summary>Contract hours as real time.</summary>
    public TimeSpan Hours(double hours) => TimeSpan.FromSeconds(hours * State.HourSeconds);

    /// <summary>Real time as contract hours.</summary>
    public double InHours(TimeSpan time) => Math.Round(time.TotalSeconds / State.HourSeconds, 4);

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
