namespace OrleansPolicy.Rollouts;

/// <summary>Rollouts for readers.</summary>
public static class RolloutViews
{
    /// <summary>A rollout as API, CLI and console show it.</summary>
    /// <param name="state">The rollout.</param>
    /// <param name="nodes">The fleet's counts, where somebody has just looked.</param>
    /// <param name="returning">The counts of its way back, where somebody has just looked.</param>
    /// <param name="shadow">What its shadow stage has found, where somebody has just looked.</param>
    public static RolloutView View(RolloutState state, NodeCounts? nodes, ReturnCounts? returning = null, ShadowFindings? shadow = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new RolloutView
        {
            RolloutId = state.RolloutId,
            Kind = state.Kind,
            Fleet = state.Fleet,
            Target = state.Target,
            Fallback = state.Fallback,
            State = state.Phase,
            StageId = state.Stage?.StageId,
            StageIndex = state.StageIndex,
            Percentage = state.Percentage,
            Epoch = state.Epoch,
            Verdict = state.Verdict,
            StartedAt = state.StartedAt,
            StageStartedAt = state.StageStartedAt,
            EndedAt = state.EndedAt,
            HourSeconds = state.HourSeconds,
            Nodes = nodes,
            Reason = state.Reason,
            WaiverId = state.WaiverId,
            FreezeWaiverId = state.FreezeWaiverId,
            WaveId = state.WaveId,
            Why = state.Why,
            Shadow = shadow ?? state.Shadow,
            Rollback = state.Return is { } back ? RollbackView.Of(back, back.Nodes ?? returning) : null,
        };
    }
}
