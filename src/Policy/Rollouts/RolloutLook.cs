using System.Collections.Immutable;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>One look at the fleet: what a rollout makes of what it sees. The way back comes first, in every phase that is not final.</summary>
internal static class RolloutLook
{
    private const string NoWords = "node.no_ack: no answer within 60 s";

    public static Outcome<ImmutableArray<RolloutEvent>> Decide(RolloutState state, RolloutCommand.Observe look, DateTimeOffset at)
    {
        var fleet = look.Fleet;

        // Counts and metrics of another epoch say nothing about this stage.
        if (state.IsFinal || state.Plan is not { } plan || state.Stage is not { } stage || fleet.Directive.Epoch != state.Epoch)
        {
            return RolloutDecider.Nothing();
        }

        var verdict = state.InShadow ? ShadowJudge.Judged(plan, fleet, at) : Judge.Judged(plan, stage, fleet, at, state.Baseline, state.Attestations);
        if (fleet.EpochBehind is { } known)
        {
            // Whatever would be decided now, the nodes would not obey it: they know better. What paused it stays the reason why it stands still.
            if (state.Phase != RolloutPhase.Active)
            {
                return Still(state, plan, fleet, verdict, at);
            }

            var behind = new Why(
                RolloutReasons.EpochBehind, FleetProblems.Behind(known, state.Epoch).Message, at, "An admin raises the fleet's epoch.", null, known,
                state.Epoch);
            return Hold(state, new RolloutTimes(state, plan, at), Keep(state.Why, behind), fleet, verdict, healthy: false, lastHealthyAt: null);
        }

        if (MustGoBack(state, plan, stage, fleet, at) is var (why, detectedAt))
        {
            return Back(state, fleet, why, verdict, detectedAt, at);
        }

        return state.Phase == RolloutPhase.Active ? Active(state, plan, look, verdict, at) : Still(state, plan, fleet, verdict, at);
    }

    /// <summary>Whether leaving the stage waits for a person. The step up from the initial percentage and completing never do.</summary>
    public static bool NeedsApproval(RolloutState state, RolloutPlan plan) =>
        plan.IncrementPolicy == IncrementPolicy.Manual && state.ApprovedBy is null
        && !state.AtInitialPercentage && state.StageIndex < plan.Stages.Length - 1;

    /// <summary>Why a rollout stands where it stands just after it entered a stage.</summary>
    public static Why Entered(RolloutPlan plan, int stageIndex, decimal percentage, DateTimeOffset at) => new(
        RolloutReasons.Window, $"Stage {plan.Stages[stageIndex].StageId} was entered at {percentage} %: its observation window is running.", at,
        "Watches for a full window.", null, 0, plan.ObservationWindowHours);

    /// <summary>Why a rollout stands where it stands just after it entered the shadow stage.</summary>
    public static Why EnteredShadow(RolloutPlan plan, DateTimeOffset at) => new(
        RolloutReasons.Window, "Every node evaluates the new bundle beside the one in force: the shadow stage's observation window is running.", at,
        "Watches for a full window.", null, 0, plan.ObservationWindowHours);

    /// <summary>The directive at rest on a bundle.</summary>
    public static Directive RestOn(Directive current, string target) =>
        new() { Epoch = current.Epoch + 1, ArmEpoch = current.ArmEpoch, Target = target, Percentage = 100 };

    /// <summary>The event that takes a rollout back.</summary>
    public static RolloutEvent.RolledBack RolledBack(
        RolloutState state, Directive current, Actor by, Why why, Verdict? verdict, DateTimeOffset detectedAt, DateTimeOffset at)
    {
        Invariant.Holds(state.Fallback is not null, "INV-RWG-ROLLBACK", "A rollout that is not final has a bundle to go back to.");
        var directive = RestOn(current, state.Fallback);
        var back = new WayBack
        {
            Epoch = directive.Epoch,
            Leaves = state.Target,
            From = current,
            DetectedAt = detectedAt < at ? detectedAt : at,
            DecidedAt = at,
            DeadlineSec = state.Plan?.RollbackDeadlineSec ?? RolloutReturn.DeadlineSecMax,
        };
        if (state.InShadow)
        {
            // Nobody was assigned it, so there is nobody to wait for: with the directive the shadow is withdrawn, and that is all.
            why = why with { Next = null };
            back = back with { DurableAt = at, OverAt = at, Nodes = new ReturnCounts(0, 0, 0, null, null) };
        }

        return new RolloutEvent.RolledBack(at, by, why, directive, verdict, back);
    }

    private static Outcome<ImmutableArray<RolloutEvent>> Active(
        RolloutState state, RolloutPlan plan, RolloutCommand.Observe look, Verdict verdict, DateTimeOffset at)
    {
        var (fleet, times) = (look.Fleet, new RolloutTimes(state, plan, at));
        var stopped = RestraintRules.Stopped(look.Restraints);
        var unobserved = times.Unobserved(fleet.ObservingSince);
        var healthy = verdict.Kind == VerdictKind.Pass && HasEnoughNodes(state, plan, fleet.Nodes);
        if (unobserved > TimeSpan.Zero)
        {
            // The clocks first: what follows from them is the next look's. With a restart the samples went because of which the window had failed:
            // those that come instead are of another window.
            var beginsWindow = fleet.ObservingSince > state.SeenAt && state.Verdict?.Kind == VerdictKind.Fail;
            var moved = beginsWindow ? RolloutChange.BeginWindowAnew(state, at) : RolloutChange.MoveClocks(state, unobserved);
            var standing = stopped ?? Keep(state.Why, Standing(new RolloutTimes(moved, plan, at), fleet.Nodes, verdict));
            return RolloutDecider.One(new RolloutEvent.Judged(
                at, verdict, standing, healthy, healthy ? at : moved.LastHealthyAt, unobserved)
            {
                BeginsWindow = beginsWindow,
            });
        }

        if (verdict.Kind == VerdictKind.Fail && plan.OnFail != OnFail.Hold)
        {
            return plan.OnFail == OnFail.Rollback
                ? Back(state, fleet, Failed(RolloutReasons.CriterionFailed, verdict, at), verdict, fleet.NewestSampleAt ?? at, at)
                : Paused(Failed(RolloutReasons.Frozen, verdict, at), verdict, at);
        }

        var isReady = healthy && times.TimePassed && !NeedsApproval(state, plan);
        var frozen = isReady ? FreezeRules.Frozen(look.Restraints, state.Fleet, at) : null;
        var lifting = frozen is null ? null : WaiverRules.FindLifting(look.Waivers, state.Fleet, state.Target, at);
        var held = stopped ?? (lifting is null && frozen is not null ? Keep(state.Why, frozen) : null);
        if (held is null && isReady && Forward(state, plan, look, verdict, times, lifting?.WaiverId) is { } forward)
        {
            return RolloutDecider.One(forward);
        }

        // A query that was just asked is answered, or fails, within seconds: until then nothing follows from that nobody knows. Nor does anything
        // from samples that a restart lost.
        var isConcluded = times.WindowPassed && times.KeepsWholeWindow(fleet.ObservingSince) && verdict.Code != QueryCodes.Pending;
        if (verdict.Kind == VerdictKind.Inconclusive && isConcluded && plan.OnInconclusive != OnInconclusive.Hold)
        {
            if (plan.OnInconclusive == OnInconclusive.Rollback)
            {
                return Back(state, fleet, new Why(RolloutReasons.Inconclusive, verdict.Sentence, at), verdict, at, at);
            }

            if (!state.Extended)
            {
                var why = new Why(
                    RolloutReasons.Window, $"Extended by one window: {verdict.Sentence}", at, "Watches for one more full window.", null, 0,
                    plan.ObservationWindowHours);
                return RolloutDecider.One(new RolloutEvent.Extended(at, why, verdict));
            }
        }

        // What was healthy until now is missing from now on.
        var lastHealthyAt = healthy || state.Healthy ? at : state.LastHealthyAt;
        var missing = new RolloutTimes(state with { LastHealthyAt = lastHealthyAt }, plan, at);
        var missingFor = at - missing.MissingSince;
        if (!healthy && missingFor >= RolloutTimes.PauseWindows * times.Window)
        {
            var cause = Standing(times, fleet.Nodes, verdict);
            return Paused(
                new Why(
                    RolloutReasons.ThreeWindows, $"No success for {RolloutTimes.PauseWindows} windows: {cause.Sentence}", at,
                    "Stands still until an operator resumes it or rolls it back.", cause.Criterion, times.InHours(missingFor),
                    RolloutTimes.PauseWindows * plan.ObservationWindowHours),
                verdict, at);
        }

        return Hold(state, times, held ?? Keep(state.Why, Standing(times, fleet.Nodes, verdict)), fleet, verdict, healthy, lastHealthyAt);
    }

    private static Outcome<ImmutableArray<RolloutEvent>> Still(
        RolloutState state, RolloutPlan plan, FleetObservation fleet, Verdict verdict, DateTimeOffset at) =>
        Hold(state, new RolloutTimes(state, plan, at), state.Why, fleet, verdict, healthy: false, state.LastHealthyAt);

    private static Outcome<ImmutableArray<RolloutEvent>> Hold(
        RolloutState state, RolloutTimes times, Why why, FleetObservation fleet, Verdict verdict, bool healthy, DateTimeOffset? lastHealthyAt)
    {
        var same = why.Code == state.Why.Code && why.Criterion == state.Why.Criterion && why.Since == state.Why.Since
            && why.Until == state.Why.Until && healthy == state.Healthy
            && verdict.Kind == state.Verdict?.Kind && verdict.Code == state.Verdict.Code;
        return same && times.Now - state.SeenAt < times.Beat
            ? RolloutDecider.Nothing()
            : RolloutDecider.One(new RolloutEvent.Judged(times.Now, verdict, why, healthy, lastHealthyAt, TimeSpan.Zero)
            {
                Baseline = BaselineOf(times.Plan, fleet, times.Now),
            });
    }

    // What the next stages are compared with where nobody is left outside the cohort: kept while there is somebody, and of all that nodes
    // report only what the plan compares.
    private static FrozenBaseline? BaselineOf(RolloutPlan plan, FleetObservation fleet, DateTimeOffset at)
    {
        if (fleet.Compared is not { } compared || !compared.HasRest(JudgeTerms.Of(plan, null), at))
        {
            return null;
        }

        var names = plan.Stages.SelectMany(stage => stage.SuccessCriteria.Add(stage.RollbackTrigger))
            .SelectMany(text => CriterionParser.Parse(text).Criterion?.Comparisons() ?? [])
            .Where(comparison => comparison.Baseline).Select(comparison => comparison.Metric)
            .Append(MetricWindow.Decisions).ToHashSet(StringComparer.Ordinal);
        return new FrozenBaseline(at, compared.Rest.RemoveRange(compared.Rest.Keys.Where(name => !names.Contains(name))));
    }

    // A step up, the next stage or the end; null where the census is missing that entering a stage needs.
    private static RolloutEvent? Forward(
        RolloutState state, RolloutPlan plan, RolloutCommand.Observe look, Verdict verdict, RolloutTimes times, string? freezeWaiverId)
    {
        var fleet = look.Fleet;
        Invariant.Holds(
            times.WindowPassed && verdict.Kind == VerdictKind.Pass, "INV-RWG-OBSERVE", "A stage is left after a full observed window that passed.");
        if (!state.AtInitialPercentage && state.StageIndex == plan.Stages.Length - 1)
        {
            return Completed(state, fleet, verdict, times.Now, freezeWaiverId);
        }

        if (fleet.Census is not { } census)
        {
            return null;
        }

        var index = state.AtInitialPercentage ? state.StageIndex : state.StageIndex + 1;
        var percentage = state.InShadow ? plan.InitialPercentage : plan.Stages[index].TargetPercentage;
        var current = fleet.Directive;
        var caps = CapRules.Of(plan, look.Restraints);
        var cut = Cohorts.Cut(current.Cuts, census, percentage, caps, current.Salt);
        var largest = Math.Max(state.CensusNMax, cut.Census);
        var radius = Cohorts.BlastRadius(cut.Nodes, largest, cut.Census);
        Invariant.Holds(radius <= plan.MaxBlastRadius, "INV-RWG-BLAST", "A stage stays within max_blast_radius.");
        var directive = current with
        {
            Epoch = current.Epoch + 1,
            Cuts = cut.Cuts,
            Caps = StageCaps.Of(caps, plan.MaxBlastRadius, percentage, largest, census),
            Percentage = Math.Max(percentage, current.Percentage),
            CensusAt = times.Now,
            CensusN = cut.Census,
            Shadow = false,
        };
        return new RolloutEvent.Advanced(
            times.Now, index, percentage, directive, verdict, state.AtInitialPercentage ? null : RolloutCodes.Advanced,
            Entered(plan, index, percentage, times.Now), cut.Warnings)
        {
            FreezeWaiverId = freezeWaiverId,
            Baseline = BaselineOf(plan, fleet, times.Now),
        };
    }

    private static RolloutEvent.Completed Completed(
        RolloutState state, FleetObservation fleet, Verdict verdict, DateTimeOffset at, string? freezeWaiverId)
    {
        var nodes = fleet.Nodes;
        Invariant.Holds(nodes.Acked + nodes.Fenced >= nodes.Assigned, "INV-RWG-COMPLETE", "Every assigned node has ACKed or is fenced.");
        var isWhole = state.Percentage >= 100;
        var why = isWhole
            ? new Why(RolloutReasons.Complete, "The whole fleet runs the target.", at)
            : new Why(
                RolloutReasons.CompleteSplit, $"The plan ends at {state.Percentage} %: the fleet stays split.", at,
                "The fleet's next rollout is of the same bundle, or a rollback.");
        return new RolloutEvent.Completed(at, verdict, isWhole ? RestOn(fleet.Directive, state.Target) : null, why) { FreezeWaiverId = freezeWaiverId };
    }

    // The reason to go back, and since when the control plane had all that it rests on.
    private static (Why Why, DateTimeOffset DetectedAt)? MustGoBack(
        RolloutState state, RolloutPlan plan, PlanStage stage, FleetObservation fleet, DateTimeOffset at)
    {
        const string next = "Every node returns to the fallback.";
        if (plan.OnDisarm == OnDisarm.Rollback && fleet.Disarm is { } disarm && disarm.ArmEpoch > state.ArmEpoch)
        {
            var disarmed = new Why(
                RolloutReasons.Disarmed, $"{disarm.By.Subject} disarmed {disarm.Scope.Subject}: {disarm.Reason}", at, next, null, disarm.ArmEpoch,
                state.ArmEpoch);
            return (disarmed, disarm.At);
        }

        if (Judge.Fired(stage.RollbackTrigger, fleet, JudgeTerms.Of(plan, state.Baseline)) is { } fired)
        {
            var why = new Why(
                RolloutReasons.Trigger,
                $"The rollback trigger '{fired.Criterion}' fired: measured {Judge.Text(fired.Measured)}, limit {Judge.Text(fired.Limit)}.", at, next,
                fired.Criterion, fired.Measured, fired.Limit);
            return (why, fleet.FiringSince ?? fleet.NewestSampleAt ?? at);
        }

        var radius = Cohorts.BlastRadius(fleet.Nodes.OnTarget, state.CensusNMax, fleet.Nodes.Registered);
        if (radius > plan.MaxBlastRadius)
        {
            var why = new Why(
                RolloutReasons.BlastRadius,
                $"{fleet.Nodes.OnTarget} nodes run or are assigned the target: {radius:0.##} % exceed max_blast_radius {plan.MaxBlastRadius} %.", at, next,
                null, (double)radius, (double)plan.MaxBlastRadius);
            return (why, at);
        }

        var nacks = fleet.Nodes.Nacked + fleet.Nodes.NoAck;
        var asked = fleet.Shadow?.Nodes ?? fleet.Nodes.Assigned;
        var budget = plan.NackBudget.For(asked);
        if (nacks <= budget)
        {
            return null;
        }

        var words = fleet.Nacks.IsEmpty ? NoWords : $"{fleet.Nacks[0].Node}: {fleet.Nacks[0].Error ?? "gave no reason"}";
        var tooMany = new Why(
            RolloutReasons.Nacks, $"{nacks} of {asked} {(state.InShadow ? "live" : "assigned")} nodes refused the target; {budget} are tolerated. {words}", at, next,
            null, nacks, budget);
        return (tooMany, budget < fleet.Nacks.Length ? fleet.Nacks[budget].At ?? at : at);
    }

    // The one thing that stands in the way now.
    private static Why Standing(RolloutTimes times, NodeCounts nodes, Verdict verdict)
    {
        var (state, plan, at) = (times.State, times.Plan, times.Now);
        if (verdict.Kind == VerdictKind.Fail)
        {
            return Failed(Judge.FailCode, verdict, at) with { Next = "Pauses after three windows without success." };
        }

        if (!times.WindowPassed)
        {
            return new Why(
                RolloutReasons.Window, "The observation window is running.", at, "Watches for a full window.", null, times.InHours(times.InWindow),
                plan.ObservationWindowHours);
        }

        if (verdict.Kind == VerdictKind.Inconclusive)
        {
            var isFewInAll = verdict.Code == Judge.FewCode && verdict.Samples < plan.MinSamples;
            var unknown = isFewInAll ? null : verdict.Criteria.FirstOrDefault(result => result.Note == verdict.Code);
            var (measured, limit) = verdict.Code switch
            {
                Judge.FewCode when isFewInAll => (verdict.Samples, plan.MinSamples),
                Judge.StaleCode => ((double?)null, (double?)plan.FreshnessSec),
                _ => (unknown?.Measured, unknown?.Limit),
            };
            return new Why(
                verdict.Code, verdict.Sentence, at, "Pauses after three windows without success.", unknown?.Criterion, measured, limit);
        }

        if (!HasEnoughNodes(state, plan, nodes))
        {
            return new Why(
                RolloutReasons.NotAcked, $"{nodes.Acked} of {nodes.Assigned} assigned nodes have the target in force.", at,
                "Pauses after three windows without success.", null, nodes.Acked, nodes.Assigned);
        }

        if (!times.TimePassed)
        {
            return new Why(
                RolloutReasons.Duration, "The stage's planned duration is running.", at, "Advances when it has passed.", null,
                times.InHours(times.InStage), times.InHours(times.Duration));
        }

        return NeedsApproval(state, plan)
            ? new Why(RolloutReasons.Approval, "Everything is in place but an approval.", at, "Another person than the author approves.")
            : new Why(RolloutReasons.Ready, "Everything is in place.", at, "The next look goes on.");
    }

    private static Why Failed(string code, Verdict verdict, DateTimeOffset at)
    {
        var failed = verdict.Criteria.FirstOrDefault(result => result.Kind == VerdictKind.Fail);
        return new Why(code, verdict.Sentence, at, null, failed?.Criterion, failed?.Measured, failed?.Limit);
    }

    private static Why Keep(Why old, Why @new) =>
        old.Code == @new.Code && old.Criterion == @new.Criterion ? @new with { Since = old.Since } : @new;

    private static bool HasEnoughNodes(RolloutState state, RolloutPlan plan, NodeCounts nodes)
    {
        if (!state.AtInitialPercentage && state.StageIndex == plan.Stages.Length - 1)
        {
            return nodes.Acked + nodes.Fenced >= nodes.Assigned;
        }

        return plan.IsEnough(nodes.Acked, nodes.Assigned);
    }

    private static Outcome<ImmutableArray<RolloutEvent>> Back(
        RolloutState state, FleetObservation fleet, Why why, Verdict verdict, DateTimeOffset detectedAt, DateTimeOffset at) =>
        RolloutDecider.One(RolledBack(state, fleet.Directive, Actor.ControlPlane("grain"), why, verdict, detectedAt, at));

    private static Outcome<ImmutableArray<RolloutEvent>> Paused(Why why, Verdict verdict, DateTimeOffset at) =>
        RolloutDecider.One(new RolloutEvent.Paused(at, Actor.ControlPlane("grain"), why, verdict));
}
