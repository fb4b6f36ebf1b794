using System.Collections.Immutable;
using OrleansPolicy.Audit;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Waves;

/// <summary>
/// What follows for a wave from what its fleets show and what people say, and what it asks of each fleet. Total and pure: whoever looks,
/// and however often, gets the same answer, so that nothing needs to be remembered between two writes.
/// </summary>
public static class WaveDecider
{
    private static readonly Actor Itself = Actor.ControlPlane(Wave.Interface);

    /// <summary>A wave as it is born: active in its first step, with nothing started.</summary>
    public static Wave Open(Wave wave)
    {
        ArgumentNullException.ThrowIfNull(wave);
        return Enter(wave with { State = WavePhase.Active, ChangedBy = wave.By }, 0, wave.StartedAt);
    }

    /// <summary>The wave afterwards; the same object where nothing follows. Fails with <see cref="WaveRules.StateCode"/>.</summary>
    public static Outcome<Wave> Decide(Wave wave, WaveCommand command, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(wave);
        return command switch
        {
            WaveCommand.Look look => Outcome<Wave>.Ok(Look(wave, look.Fleets, now)),
            WaveCommand.Pause pause => wave.State == WavePhase.Active
                ? Outcome<Wave>.Ok(Halt(wave, pause.By, WaveReasons.Paused, $"{pause.By.Subject} halted it: {pause.Reason}", now))
                : WrongState(wave, "halted"),
            WaveCommand.Resume resume => Resume(wave, resume, now),
            WaveCommand.RollBack back => wave.State == WavePhase.RolledBack
                ? WrongState(wave, "taken back")
                : Outcome<Wave>.Ok(RollBack(wave, back.By, WaveReasons.RolledBack, $"{back.By.Subject} took it back: {back.Reason}", now)),
            WaveCommand.End end => wave.State is WavePhase.Active or WavePhase.Halted
                ? Outcome<Wave>.Ok(wave with
                {
                    State = WavePhase.Ended,
                    ChangedBy = end.By,
                    EndedAt = now,
                    Why = new Why(WaveReasons.Ended, $"{end.By.Subject} gave it up: {end.Reason}", now, "Starts nothing more; its rollouts are on their own."),
                })
                : WrongState(wave, "given up"),
            _ => throw new InvariantViolationException($"{command?.GetType().Name} is not one of the commands."),
        };
    }

    /// <summary>Whether a look wants to see a fleet of this step.</summary>
    public static bool Watches(Wave wave, int step)
    {
        ArgumentNullException.ThrowIfNull(wave);
        return wave.State == WavePhase.RolledBack ? step <= wave.Step : step == wave.Step;
    }

    /// <summary>Whether the wave lets a fleet's rollout start now: what a start rests on, to the moment at which it is durable.</summary>
    public static bool LetsStart(Wave wave, string fleet)
    {
        ArgumentNullException.ThrowIfNull(wave);
        return wave.State == WavePhase.Active && wave.Fleets[wave.Step].Contains(fleet);
    }

    /// <summary>What to ask of a fleet now; null: nothing.</summary>
    public static WaveOrder? OrderFor(Wave wave, WaveFleet fleet)
    {
        ArgumentNullException.ThrowIfNull(wave);
        ArgumentNullException.ThrowIfNull(fleet);
        return (wave, fleet.Rollout) switch
        {
            ({ State: WavePhase.Active }, null) => WaveOrder.Start,
            ({ State: WavePhase.Active }, { Phase: RolloutPhase.Paused }) => WaveOrder.Resume,
            ({ State: WavePhase.Halted }, { Phase: RolloutPhase.Active }) => WaveOrder.Pause,
            ({ State: WavePhase.RolledBack, IsOver: false }, { Phase: RolloutPhase.Active or RolloutPhase.Paused }) => WaveOrder.RollBack,
            ({ State: WavePhase.RolledBack, IsOver: false }, { Phase: RolloutPhase.Complete }) => fleet.Back is null ? WaveOrder.FastTrack : null,
            _ => null,
        };
    }

    private static Wave Look(Wave wave, ImmutableArray<WaveFleet> fleets, DateTimeOffset now) => wave switch
    {
        { State: WavePhase.Active } => Proceed(wave, [.. fleets.Where(fleet => fleet.Step == wave.Step)], now),
        { State: WavePhase.RolledBack, IsOver: false } => Return(wave, [.. fleets.Where(fleet => fleet.Step <= wave.Step)], now),
        _ => wave,
    };

    private static Wave Proceed(Wave wave, ImmutableArray<WaveFleet> step, DateTimeOffset now)
    {
        if (step.FirstOrDefault(fleet => fleet.Rollout is { Phase: RolloutPhase.RolledBack }) is { } back)
        {
            return Fail(wave, WaveReasons.FleetRolledBack, $"{back.Fleet} went back: {back.Rollout!.Why.Sentence}", now);
        }

        if (step.FirstOrDefault(fleet => PausedAnew(wave, fleet)) is { Rollout: { } paused })
        {
            var sentence = $"{paused.Fleet} is paused: {paused.Why.Sentence}";
            return paused.Why.Code == RolloutReasons.PausedByOperator
                ? Halt(wave, Itself, WaveReasons.FleetPaused, sentence, now)
                : Fail(wave, WaveReasons.FleetPaused, sentence, now);
        }

        if (step.FirstOrDefault(fleet => fleet is { Refused: { } problem, IsThere: false } && !WaveRules.Passes(problem.Code)) is { } refused)
        {
            // A start that is refused says nothing against the bundle: whatever on_halt says, nothing is taken back for it.
            return Halt(wave, Itself, WaveReasons.FleetRefused, $"{refused.Fleet} did not start, {refused.Refused!.Code}: {refused.Refused.Message}", now);
        }

        if (!step.All(fleet => fleet.IsThere))
        {
            return wave;
        }

        return wave.Step + 1 < wave.Fleets.Length
            ? Enter(wave with { ChangedBy = Itself }, wave.Step + 1, now)
            : wave with
            {
                State = WavePhase.Complete,
                ChangedBy = Itself,
                EndedAt = now,
                Why = new Why(WaveReasons.Complete, "The rollout of every fleet is complete.", now),
            };
    }

    // What it asked for while it was halted may reach a rollout after it was resumed: that is no news, and goes on with the others.
    private static bool PausedAnew(Wave wave, WaveFleet fleet) =>
        fleet.Rollout is { Phase: RolloutPhase.Paused, PausedBy: not { Interface: Wave.Interface } } rollout
        && (wave.ResumedAt is not { } resumed || rollout.PausedAt > resumed);

    private static Wave Fail(Wave wave, string code, string sentence, DateTimeOffset now) => wave.OnHalt == WaveOnHalt.Rollback
        ? RollBack(wave, Itself, code, sentence, now)
        : Halt(wave, Itself, code, sentence, now);

    private static Wave Return(Wave wave, ImmutableArray<WaveFleet> fleets, DateTimeOffset now)
    {
        if (!fleets.All(IsSettled))
        {
            return wave;
        }

        ImmutableArray<WaveNotReturned> kept =
        [
            .. fleets.Where(fleet => !IsBack(fleet)).Select(fleet => new WaveNotReturned(fleet.Fleet, fleet.Refused!.Code, fleet.Refused.Message)),
        ];
        return wave with
        {
            ChangedBy = Itself,
            EndedAt = now,
            NotReturned = kept,
            Why = wave.Why with
            {
                Next = kept.IsEmpty
                    ? "The way back of every fleet has begun."
                    : $"Not taken back: {string.Join(", ", kept.Select(one => $"{one.Fleet} ({one.Code})"))}.",
            },
        };
    }

    private static bool IsBack(WaveFleet fleet) => fleet.Back is not null || fleet.Rollout is null or { Phase: RolloutPhase.RolledBack };

    private static bool IsSettled(WaveFleet fleet) => IsBack(fleet) || fleet.Refused is { } problem && WaveRules.Stays(problem.Code);

    private static Outcome<Wave> Resume(Wave wave, WaveCommand.Resume command, DateTimeOffset now)
    {
        if (wave.State != WavePhase.Halted)
        {
            return WrongState(wave, "resumed");
        }

        if (command.Fleets.FirstOrDefault(fleet => fleet.Step == wave.Step && fleet.Rollout is { Phase: RolloutPhase.RolledBack }) is { } back)
        {
            return Outcome<Wave>.Fail(
                WaveRules.StateCode, $"{back.Fleet} went back, so the wave cannot be resumed: take it back too, or give it up and start another.");
        }

        return Outcome<Wave>.Ok(Enter(wave with { State = WavePhase.Active, ChangedBy = command.By, ResumedAt = now }, wave.Step, now));
    }

    private static Wave Enter(Wave wave, int step, DateTimeOffset now) => wave with
    {
        Step = step,
        Why = new Why(
            WaveReasons.Running, $"Step {step + 1} of {wave.Fleets.Length}: {string.Join(", ", wave.Fleets[step])}.", now,
            step + 1 < wave.Fleets.Length ? "The next step begins when these are complete." : "It is complete when these are."),
    };

    private static Wave Halt(Wave wave, Actor by, string code, string sentence, DateTimeOffset now) => wave with
    {
        State = WavePhase.Halted,
        ChangedBy = by,
        Why = new Why(code, sentence, now, "Stands still until somebody resumes it, takes it back or gives it up."),
    };

    private static Wave RollBack(Wave wave, Actor by, string code, string sentence, DateTimeOffset now) => wave with
    {
        State = WavePhase.RolledBack,
        ChangedBy = by,
        EndedAt = null,
        Why = new Why(code, sentence, now, "Every fleet that the bundle was brought to goes back."),
    };

    private static Outcome<Wave> WrongState(Wave wave, string what) =>
        Outcome<Wave>.Fail(WaveRules.StateCode, $"The wave is {NameOf(wave.State)} and cannot be {what}.");

    /// <summary>The name of a state as the API calls it.</summary>
    public static string NameOf(WavePhase state) => state switch
    {
        WavePhase.Active => "ACTIVE",
        WavePhase.Halted => "HALTED",
        WavePhase.Complete => "COMPLETE",
        WavePhase.RolledBack => "ROLLED_BACK",
        WavePhase.Ended => "ENDED",
        _ => throw new InvariantViolationException($"{state} is not one of the states."),
    };
}
