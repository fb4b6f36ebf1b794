using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// The rollout wedge as a decider: what follows from a state, a command and the time, and what an event makes of a state. Total and pure;
/// whoever calls it (grain or scanner) gets the same answer.
/// </summary>
public static class RolloutDecider
{
    /// <summary>
    /// What follows. At most one event, so that one change is one revision; none where nothing changes. Fails with
    /// <see cref="RolloutProblems"/> and, for a start, <c>plan.*</c>. A time before the last event's is taken as that: a clock that steps
    /// back stands still.
    /// </summary>
    public static Outcome<ImmutableArray<RolloutEvent>> Decide(RolloutState? state, RolloutCommand command, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(command);
        if (command is RolloutCommand.Start start)
        {
            return state is null ? RolloutStart.Decide(start, now) : Exists(state);
        }

        if (command is RolloutCommand.SetBaseline baseline)
        {
            return state is null ? RolloutStart.Decide(baseline, now) : Exists(state);
        }

        if (command is RolloutCommand.FastTrack fastTrack)
        {
            return state is null ? RolloutReturn.Decide(fastTrack, now) : Exists(state);
        }

        if (state is null)
        {
            return Refuse(RolloutProblems.Unknown, "There is no such rollout.");
        }

        var at = now > state.SeenAt ? now : state.SeenAt;
        return command switch
        {
            RolloutCommand.Observe observe => state.Return is { IsOpen: true } back
                ? RolloutReturn.Look(state, back, observe, at)
                : RolloutLook.Decide(state, observe, at),
            RolloutCommand.Pause pause => Pause(state, pause, at),
            RolloutCommand.Resume resume => Resume(state, resume, at),
            RolloutCommand.Approve approve => Approve(state, approve, at),
            RolloutCommand.Attest attest => Attest(state, attest, at),
            RolloutCommand.RollBack back => RollBack(state, back, at),
            RolloutCommand.Supersede supersede => RolloutReturn.Supersede(state, supersede, at),
            RolloutCommand.RaiseEpoch raise => state.IsFinal
                ? WrongState(state, "raised to another epoch")
                : One(new RolloutEvent.EpochRaised(at, raise.By, raise.Reason, raise.Directive)),
            _ => throw new InvariantViolationException($"{command.GetType().Name} is not one of the commands."),
        };
    }

    /// <summary>What an event makes of a state. The revision rises by one.</summary>
    public static RolloutState Apply(RolloutState? state, RolloutEvent e) => RolloutChange.Apply(state, e);

    /// <summary>
    /// When somebody must have looked at it at the latest: every 5 s, and whenever one of its clocks runs out; and when its way back must
    /// be over. None where nothing more can happen to it.
    /// </summary>
    public static ImmutableArray<RolloutDeadline> Deadlines(RolloutState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.IsFinal)
        {
            return [];
        }

        if (state.Return is { } back)
        {
            // Until it is written down when the decision was durable, every second of waiting is one of the bound.
            var look = new RolloutDeadline(
                RolloutDeadline.Look, state.SeenAt + (back.DurableAt is null ? RolloutTimes.DurableWithin : RolloutTimes.LookEvery));
            return back.OverdueAt is null ? [look, new RolloutDeadline(RolloutDeadline.Rollback, back.DueAt)] : [look];
        }

        if (state.Plan is not { } plan)
        {
            return [];
        }

        var times = new RolloutTimes(state, plan, state.SeenAt);
        var due = state.SeenAt + RolloutTimes.LookEvery;
        if (state.Phase == RolloutPhase.Active)
        {
            DateTimeOffset[] ends =
            [
                state.WindowStartedAt + times.Window,
                state.StageClockStart + times.Duration,
                times.MissingSince + (RolloutTimes.PauseWindows * times.Window),
            ];
            foreach (var end in ends)
            {
                due = end > state.SeenAt && end < due ? end : due;
            }
        }

        return [new RolloutDeadline(RolloutDeadline.Look, due)];
    }

    /// <summary>Whether a look at this time could enter a stage, for which it needs the census.</summary>
    public static bool WantsCensus(RolloutState state, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Phase != RolloutPhase.Active || state.Plan is not { } plan)
        {
            return false;
        }

        var entersMore = state.AtInitialPercentage || state.StageIndex < plan.Stages.Length - 1;
        return entersMore && !RolloutLook.NeedsApproval(state, plan) && new RolloutTimes(state, plan, now).TimePassed;
    }

    /// <summary>Where the trailing observation window begins: a window ago, but never before the stage, a resume or an extension.</summary>
    public static DateTimeOffset WindowStart(RolloutState state, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Plan is not { } plan || state.Return is not null)
        {
            return state.StageStartedAt;
        }

        var at = now > state.SeenAt ? now : state.SeenAt;
        var trailing = at - new RolloutTimes(state, plan, at).Window;
        return trailing > state.WindowStartedAt ? trailing : state.WindowStartedAt;
    }

    /// <summary>What a look wants to know of the fleet.</summary>
    /// <param name="state">The rollout.</param>
    /// <param name="durableAt">As for <see cref="RolloutCommand.Observe"/>.</param>
    /// <param name="now">The time.</param>
    public static FleetWatch Watch(RolloutState state, DateTimeOffset? durableAt, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state.Return is { IsOpen: true } back
            ? new FleetWatch(now, state.Epoch, null, back with { DurableAt = back.DurableAt ?? durableAt ?? now })
            : state is { IsFinal: false, InShadow: false, Plan: { } plan, Stage: { } stage } ? Watch(state, plan, stage, now)
            : new FleetWatch(WindowStart(state, now), state.Epoch);
    }

    /// <summary>The configured queries that the criteria and the trigger of a rollout's stage name: what has to be asked while it is there.</summary>
    public static ImmutableArray<MetricQuery> Queries(RolloutState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state is { IsFinal: false, Return: null, Plan: { } plan, Stage: { } stage }
            ?
            [
                .. Comparisons(stage).Select(comparison => comparison.Query).OfType<string>().Distinct(StringComparer.Ordinal).Select(name => new MetricQuery(
                    name, state.Tenant, state.Fleet, state.Target, state.WindowStartedAt, new RolloutTimes(state, plan, state.SeenAt).Window)),
            ]
            : [];
    }

    private static IEnumerable<Criterion.Comparison> Comparisons(PlanStage stage) => stage.SuccessCriteria.Add(stage.RollbackTrigger)
        .SelectMany(text => CriterionParser.Parse(text).Criterion?.Comparisons() ?? []);

    private static FleetWatch Watch(RolloutState state, RolloutPlan plan, PlanStage stage, DateTimeOffset now)
    {
        var at = now > state.SeenAt ? now : state.SeenAt;
        var comparisons = Comparisons(stage).ToList();
        return new FleetWatch(WindowStart(state, now), state.Epoch, stage.RollbackTrigger)
        {
            LookBacks = [.. comparisons.Select(comparison => comparison.Over).OfType<TimeSpan>().Distinct().Select(From)],
            CompareFrom = comparisons.Exists(comparison => comparison.Baseline) ? state.WindowStartedAt : null,
            Terms = JudgeTerms.Of(plan, state.Baseline),
        };

        LookBack From(TimeSpan over)
        {
            var from = at - new RolloutTimes(state, plan, at).Hours(over.TotalHours);
            return new LookBack(over, from > state.WindowStartedAt ? from : state.WindowStartedAt);
        }
    }

    /// <summary>The name of a phase as the wedge calls it.</summary>
    public static string NameOf(RolloutPhase phase) => phase switch
    {
        RolloutPhase.Pending => "PENDING",
        RolloutPhase.Active => "ACTIVE",
        RolloutPhase.Paused => "PAUSED",
        RolloutPhase.Complete => "COMPLETE",
        RolloutPhase.RolledBack => "ROLLED_BACK",
        _ => throw new InvariantViolationException($"{phase} is not one of the five phases."),
    };

    internal static Outcome<ImmutableArray<RolloutEvent>> One(RolloutEvent e) => Outcome<ImmutableArray<RolloutEvent>>.Ok([e]);

    internal static Outcome<ImmutableArray<RolloutEvent>> Nothing() => Outcome<ImmutableArray<RolloutEvent>>.Ok([]);

    internal static Outcome<ImmutableArray<RolloutEvent>> Refuse(string code, string message, string path = "$") =>
        Outcome<ImmutableArray<RolloutEvent>>.Fail(code, message, path);

    private static Outcome<ImmutableArray<RolloutEvent>> Pause(RolloutState state, RolloutCommand.Pause command, DateTimeOffset at) =>
        state.Phase != RolloutPhase.Active || state.Return is not null
            ? WrongState(state, "paused")
            : One(new RolloutEvent.Paused(
                at, command.By,
                new Why(
                    RolloutReasons.PausedByOperator, $"{command.By.Subject} paused it: {command.Reason}", at,
                    "Stands still until an operator resumes it or rolls it back."),
                state.Verdict));

    private static Outcome<ImmutableArray<RolloutEvent>> Resume(RolloutState state, RolloutCommand.Resume command, DateTimeOffset at)
    {
        if (state.Phase != RolloutPhase.Paused || state.Plan is not { } plan)
        {
            return WrongState(state, "resumed");
        }

        var why = new Why(
            RolloutReasons.Window, "The observation window began anew when it was resumed.", at, "Watches for a full window.", null, 0,
            plan.ObservationWindowHours);
        return One(new RolloutEvent.Resumed(at, command.By, command.Reason, why));
    }

    private static Outcome<ImmutableArray<RolloutEvent>> Approve(RolloutState state, RolloutCommand.Approve command, DateTimeOffset at)
    {
        if (state.Phase != RolloutPhase.Active || state.Plan is not { } plan)
        {
            return WrongState(state, "approved");
        }

        if (command.StageId is { } meant && meant != state.Stage?.StageId)
        {
            return Refuse(RolloutProblems.State, $"The rollout is in stage {state.Stage?.StageId}, not, or no longer, in the one that the approval names.", "$.stage_id");
        }

        if (plan.IncrementPolicy != IncrementPolicy.Manual)
        {
            return Refuse(RolloutProblems.ApprovalNotNeeded, "Only a plan with increment_policy manual waits for approval.");
        }

        if (state.AtInitialPercentage)
        {
            return Refuse(
                RolloutProblems.ApprovalNotNeeded,
                "The step up from initial_percentage needs no approval. Approve once the stage stands at its target percentage.");
        }

        if (state.StageIndex == plan.Stages.Length - 1)
        {
            return Refuse(RolloutProblems.ApprovalNotNeeded, "The last stage has no stage to advance to: it completes by itself.");
        }

        if (!command.By.IsAnotherPersonThan(state.Author))
        {
            return Refuse(RolloutProblems.SamePerson, $"{command.By.Subject} started this rollout, or is not certainly another person.");
        }

        return state.ApprovedBy is not null ? Nothing() : One(new RolloutEvent.Approved(at, command.By, command.Reason));
    }

    private static Outcome<ImmutableArray<RolloutEvent>> Attest(RolloutState state, RolloutCommand.Attest command, DateTimeOffset at)
    {
        if (state.Phase != RolloutPhase.Active || state.Stage is not { } stage)
        {
            return WrongState(state, "attested");
        }

        if (!stage.SuccessCriteria.Contains(command.Criterion) || !CriterionParser.Parse(command.Criterion).IsManual)
        {
            var manual = stage.SuccessCriteria.Where(text => CriterionParser.Parse(text).IsManual).Select(text => $"'{text}'").ToList();
            return Refuse(
                RolloutProblems.NotAttestable,
                manual.Count == 0
                    ? $"Stage {stage.StageId} has no criterion for a person."
                    : $"The criteria for a person in stage {stage.StageId} are: {string.Join(", ", manual)}.",
                "$.criterion");
        }

        return One(new RolloutEvent.Attested(at, new Attestation(command.Criterion, command.Met, command.By, command.Reason, at)));
    }

    private static Outcome<ImmutableArray<RolloutEvent>> RollBack(RolloutState state, RolloutCommand.RollBack command, DateTimeOffset at)
    {
        if (state.IsFinal || state.Return is not null)
        {
            return WrongState(state, "rolled back");
        }

        if (command.Current.Epoch < state.Epoch)
        {
            return Refuse(
                RolloutProblems.StaleDirective, $"The directive shown has epoch {command.Current.Epoch}; the rollout wrote {state.Epoch}.");
        }

        var why = new Why(
            RolloutReasons.RolledBackByOperator, $"{command.By.Subject} rolled it back: {command.Reason}", at, "Every node returns to the fallback.");
        return One(RolloutLook.RolledBack(state, command.Current, command.By, why, state.Verdict, command.DetectedAt ?? at, at));
    }

    internal static Outcome<ImmutableArray<RolloutEvent>> WrongState(RolloutState state, string what) =>
        Refuse(RolloutProblems.State, $"The {(state.Kind == RolloutKind.FastTrack ? "fast-track" : "rollout")} is {NameOf(state.Phase)} and cannot be {what}.");

    private static Outcome<ImmutableArray<RolloutEvent>> Exists(RolloutState state) =>
        Refuse(RolloutProblems.Exists, $"The rollout {state.RolloutId} exists and is {NameOf(state.Phase)}.");
}
