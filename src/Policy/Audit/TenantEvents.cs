namespace OrleansPolicy.Audit;

/// <summary>Which entries of the audit are events: what streams tell live, and webhooks bring unless they ask for something else.</summary>
public static class TenantEvents
{
    private const string RolloutCodePrefix = "RWG-";
    private const string ReturnPrefix = "rollback.";
    private const string ArmPrefix = "arm.";
    private const string LinePrefix = "line.";
    private const string WavePrefix = "wave.";

    /// <summary>Whether an entry is one of the events: of a rollout (RWG-001 to RWG-004), of a way back, an arm or a disarm, a stop of the line, of a wave.</summary>
    public static bool Includes(AuditDraft draft)
    {
        ArgumentNullException.ThrowIfNull(draft);
        return draft.Code?.StartsWith(RolloutCodePrefix, StringComparison.Ordinal) == true
            || draft.Action.StartsWith(ReturnPrefix, StringComparison.Ordinal)
            || draft.Action.StartsWith(ArmPrefix, StringComparison.Ordinal)
            || draft.Action.StartsWith(LinePrefix, StringComparison.Ordinal)
            || draft.Action.StartsWith(WavePrefix, StringComparison.Ordinal);
    }
}
