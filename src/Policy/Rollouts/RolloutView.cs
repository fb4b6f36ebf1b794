namespace OrleansPolicy.Rollouts;

/// <summary>A rollout for a reader.</summary>
public sealed record RolloutView
{
    /// <summary>Its id.</summary>
    public required string RolloutId { get; init; }

    /// <summary>baseline, rollout or fast_track.</summary>
    public required RolloutKind Kind { get; init; }

    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>The hash it brings.</summary>
    public required string Target { get; init; }

    /// <summary>The hash it goes back to.</summary>
    public string? Fallback { get; init; }

    /// <summary>PENDING, ACTIVE, PAUSED, ROLLED_BACK or COMPLETE.</summary>
    public required RolloutPhase State { get; init; }

    /// <summary>The stage.</summary>
    public string? StageId { get; init; }

    /// <summary>Its index; -1 in the shadow stage.</summary>
    public int StageIndex { get; init; }

    /// <summary>The percentage in force.</summary>
    public decimal Percentage { get; init; }

    /// <summary>The directive's epoch.</summary>
    public long Epoch { get; init; }

    /// <summary>The verdict at the last look.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When its stage was entered.</summary>
    public DateTimeOffset StageStartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Seconds that a contract hour lasts.</summary>
    public double HourSeconds { get; init; }

    /// <summary>Nodes by what they did.</summary>
    public NodeCounts? Nodes { get; init; }

    /// <summary>The author's reason.</summary>
    public required string Reason { get; init; }

    /// <summary>The waiver that let it begin without several stages; null: none was used.</summary>
    public string? WaiverId { get; init; }

    /// <summary>The waiver of freeze windows under which it last started or went forward; null: none was in the way.</summary>
    public string? FreezeWaiverId { get; init; }

    /// <summary>The wave that it is part of; null: none.</summary>
    public string? WaveId { get; init; }

    /// <summary>Why it stands where it stands.</summary>
    public required Why Why { get; init; }

    /// <summary>What the shadow stage found; null: there was none, or nobody has looked yet.</summary>
    public ShadowFindings? Shadow { get; init; }

    /// <summary>The way back, where it took one.</summary>
    public RollbackView? Rollback { get; init; }
}
