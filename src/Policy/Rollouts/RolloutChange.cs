namespace OrleansPolicy.Rollouts;

/// <summary>What an event makes of a state, with the invariants checked once more where it is written.</summary>
internal static class RolloutChange
{
    public static RolloutState Apply(RolloutState? state, RolloutEvent e)
    {
        ArgumentNullException.ThrowIfNull(e);
        if (e is RolloutEvent.Started started)
        {
            Invariant.Holds(state is null, "INV-RWG-STAGED", "A rollout begins once.");
            return started.State;
        }

        Invariant.Holds(state is { IsFinal: false }, "INV-RWG-STAGED", "Nothing happens to a rollout that is not there, or is final.");
        Invariant.Holds(
            state.Return is null == e is not (RolloutEvent.Returning or RolloutEvent.Overdue or RolloutEvent.Over)
                || e is RolloutEvent.Superseded or RolloutEvent.EpochRaised,
            "INV-RWG-RETURN", "From the decision to go back on, nothing happens but the way back.");
        Invariant.Holds(
            (e as RolloutEvent.RolledBack)?.Return.DeadlineSec is null or (> 0 and <= RolloutReturn.DeadlineSecMax),
            "INV-RWG-ROLLBACK", "A way back is due within 60 s.");
        var next = e switch
        {
            RolloutEvent.Advanced advanced => Advance(state, advanced),
            RolloutEvent.Judged judged => (judged.BeginsWindow || judged.Why.Code == RolloutReasons.EpochBehind
                ? BeginWindowAnew(state, e.At)
                : MoveClocks(state, judged.Unobserved)) with
            {
                Verdict = judged.Verdict,
                Why = judged.Why,
                Healthy = judged.Healthy,
                LastHealthyAt = judged.LastHealthyAt,
                Baseline = judged.Baseline ?? state.Baseline,
            },
            RolloutEvent.Extended extended => state with
            {
                WindowStartedAt = e.At,
                Extended = true,
                Verdict = extended.Verdict,
                Why = extended.Why,
                Healthy = false,
            },
            RolloutEvent.Paused paused => state with
            {
                Phase = RolloutPhase.Paused,
                PausedAt = e.At,
                PausedBy = paused.By,
                Verdict = paused.Verdict,
                Why = paused.Why,
                Healthy = false,
                // An approval was given on what was seen before, and so was an attestation.
                ApprovedBy = null,
                Attestations = [],
            },
            RolloutEvent.Resumed resumed => state with
            {
                Phase = RolloutPhase.Active,
                StageClockStart = state.StageClockStart + (e.At - (state.PausedAt ?? e.At)),
                WindowStartedAt = e.At,
                PausedAt = null,
                PausedBy = null,
                Verdict = null,
                Why = resumed.Why,
                Healthy = false,
                LastHealthyAt = null,
            },
            RolloutEvent.Approved approved => state with { ApprovedBy = approved.By },
            RolloutEvent.Attested { Attestation: var said } => state with
            {
                Attestations = [.. state.Attestations.Where(earlier => earlier.Criterion != said.Criterion), said],
            },
            RolloutEvent.RolledBack back => state with
            {
                Phase = RolloutPhase.RolledBack,
                Epoch = back.Directive.Epoch,
                Percentage = 0,
                Verdict = back.Verdict,
                Why = back.Why,
                Healthy = false,
                EndedAt = e.At,
                Return = back.Return,
            },
            RolloutEvent.Completed completed => state with
            {
                Phase = RolloutPhase.Complete,
                FreezeWaiverId = completed.FreezeWaiverId ?? state.FreezeWaiverId,
                Epoch = completed.Directive?.Epoch ?? state.Epoch,
                Verdict = completed.Verdict,
                Why = completed.Why,
                EndedAt = e.At,
            },
            RolloutEvent.Superseded superseded => RolloutReturn.Apply(state, superseded),
            RolloutEvent.Returning returning => state with { Return = state.Return! with { DurableAt = returning.DurableAt } },
            RolloutEvent.Overdue overdue => RolloutReturn.Apply(state, overdue),
            RolloutEvent.Over over => RolloutReturn.Apply(state, over),

            // Nodes that knew a higher epoch did not obey the one before: a way back begins to be durable for them with this one.
            RolloutEvent.EpochRaised raised => BeginWindowAnew(state, e.At) with
            {
                Epoch = raised.Directive.Epoch,
                Return = state.Return is { } back ? back with { Epoch = raised.Directive.Epoch, DurableAt = null } : null,
            },
            _ => throw new InvariantViolationException($"{e.GetType().Name} is not one of the events."),
        };
        Invariant.Holds(next.Epoch >= state.Epoch, "INV-EPOCH", "Epochs only rise.");
        return next with
        {
            Revision = state.Revision + 1,
            SeenAt = e.At > state.SeenAt ? e.At : state.SeenAt,
            Shadow = ShadowOf(e) ?? state.Shadow,
        };
    }

    /// <summary>Moves the clocks on by time that does not count.</summary>
    public static RolloutState MoveClocks(RolloutState state, TimeSpan by) => by == TimeSpan.Zero ? state : state with
    {
        StageClockStart = state.StageClockStart + by,
        WindowStartedAt = state.WindowStartedAt + by,
        LastHealthyAt = state.LastHealthyAt + by,
    };

    /// <summary>
    /// Begins the window anew where none of its samples are left to conclude from, and the time until now counts for nothing: nodes that know a
    /// higher epoch do not obey this one, and what they measured under it ends with it; a window that had failed is lost with a restart.
    /// </summary>
    public static RolloutState BeginWindowAnew(RolloutState state, DateTimeOffset at) => state is { Phase: RolloutPhase.Active, Return: null }
        ? MoveClocks(state, at - state.SeenAt) with { WindowStartedAt = at, Healthy = false, LastHealthyAt = null }
        : state;

    private static ShadowFindings? ShadowOf(RolloutEvent e) => e switch
    {
        RolloutEvent.Judged judged => judged.Verdict?.Shadow,
        RolloutEvent.Extended extended => extended.Verdict.Shadow,
        RolloutEvent.Paused paused => paused.Verdict?.Shadow,
        RolloutEvent.RolledBack back => back.Verdict?.Shadow,
        RolloutEvent.Advanced advanced => advanced.Verdict.Shadow,
        _ => null,
    };

    private static RolloutState Advance(RolloutState state, RolloutEvent.Advanced e)
    {
        var expected = state.AtInitialPercentage ? state.StageIndex : state.StageIndex + 1;
        Invariant.Holds(
            state.Phase == RolloutPhase.Active && e.StageIndex == expected && state.Plan is { } plan && expected < plan.Stages.Length,
            "INV-RWG-STAGED", "Stages are entered one after the other, none is skipped.");
        Invariant.Holds(
            e.At - state.WindowStartedAt >= new RolloutTimes(state, state.Plan, e.At).Window,
            "INV-RWG-OBSERVE", "A stage is left after a full observed window.");
        return state with
        {
            StageIndex = e.StageIndex,
            AtInitialPercentage = state.InShadow && e.Percentage < state.Plan.Stages[0].TargetPercentage,
            Percentage = e.Percentage,
            Epoch = e.Directive.Epoch,
            StageStartedAt = e.At,
            StageClockStart = e.At,
            WindowStartedAt = e.At,
            Healthy = false,
            LastHealthyAt = null,
            Extended = false,
            ApprovedBy = null,
            Attestations = [],
            Verdict = null,
            Baseline = e.Baseline ?? state.Baseline,
            FreezeWaiverId = e.FreezeWaiverId ?? state.FreezeWaiverId,
            CensusNMax = Math.Max(state.CensusNMax, e.Directive.CensusN),
            Why = e.Why,
        };
    }
}
