using System.Collections.Immutable;
using System.Text.Json.Serialization;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Rollouts;

/// <summary>Where a rollout stands. Changed by the rollout decider alone; each change raises <see cref="Revision"/>.</summary>
public sealed record RolloutState
{
    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The rollout's id, unique in the tenant.</summary>
    public required string RolloutId { get; init; }

    /// <summary>What kind of record it is.</summary>
    public required RolloutKind Kind { get; init; }

    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>The policy hash it brings.</summary>
    public required string Target { get; init; }

    /// <summary>The policy hash it goes back to; null for a baseline.</summary>
    public string? Fallback { get; init; }

    /// <summary>How it proceeds; null for a baseline and a fast-track.</summary>
    public RolloutPlan? Plan { get; init; }

    /// <summary>Whether the plan was held to the bounds of critical subsystems.</summary>
    public bool Critical { get; init; }

    /// <summary>The waiver that let it begin without several stages; null: none was used.</summary>
    public string? WaiverId { get; init; }

    /// <summary>The waiver of freeze windows under which it last started or went forward; null: none was in the way.</summary>
    public string? FreezeWaiverId { get; init; }

    /// <summary>The wave that it is part of; null: none.</summary>
    public string? WaveId { get; init; }

    /// <summary>Who started it.</summary>
    public required Actor Author { get; init; }

    /// <summary>Why, in the author's words.</summary>
    public required string Reason { get; init; }

    /// <summary>The phase.</summary>
    public required RolloutPhase Phase { get; init; }

    /// <summary>Rises with every change of this record; the store's guard.</summary>
    public required long Revision { get; init; }

    /// <summary>The epoch of the directive that this rollout wrote last.</summary>
    public required long Epoch { get; init; }

    /// <summary>The number of the newest arm or disarm when it began: those before it are not about this rollout.</summary>
    public long ArmEpoch { get; init; }

    /// <summary>Index into the plan's stages; <see cref="ShadowIndex"/> in the shadow stage before them.</summary>
    public int StageIndex { get; init; }

    /// <summary>Whether stage 1 still stands at the plan's initial percentage.</summary>
    public bool AtInitialPercentage { get; init; }

    /// <summary>The percentage in force.</summary>
    public decimal Percentage { get; init; }

    /// <summary>How long a contract hour lasts, in seconds; fixed at the start.</summary>
    public double HourSeconds { get; init; } = 3600;

    /// <summary>When it was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the stage (or its step up from the initial percentage) was entered.</summary>
    public required DateTimeOffset StageStartedAt { get; init; }

    /// <summary>
    /// Where the stage's clock counts from: stage entry, moved on by all time that was spent paused or in which no samples could arrive.
    /// </summary>
    public DateTimeOffset StageClockStart { get; init; }

    /// <summary>When the running observation window began: stage entry, the last resume or an extension, moved on by time in which no samples could arrive.</summary>
    public required DateTimeOffset WindowStartedAt { get; init; }

    /// <summary>Whether everything but time and approval let it advance at the last look.</summary>
    public bool Healthy { get; init; }

    /// <summary>The last moment at which <see cref="Healthy"/> was known to hold, moved on like the clocks; null: not since the window began.</summary>
    public DateTimeOffset? LastHealthyAt { get; init; }

    /// <summary>The latest time it was shown in an event: a clock that steps back stands still instead.</summary>
    public DateTimeOffset SeenAt { get; init; }

    /// <summary>Whether this stage's window was extended already.</summary>
    public bool Extended { get; init; }

    /// <summary>Since when it is paused.</summary>
    public DateTimeOffset? PausedAt { get; init; }

    /// <summary>Who paused it; null also where a version did that did not write it down.</summary>
    public Actor? PausedBy { get; init; }

    /// <summary>Who approved leaving the current stage.</summary>
    public Actor? ApprovedBy { get; init; }

    /// <summary>What people said of the current stage's criteria that no program can evaluate.</summary>
    public ImmutableArray<Attestation> Attestations { get; init; } = [];

    /// <summary>The verdict over the window at the last look.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>What the nodes outside the cohort last measured, for criteria that compare with it; null: none does, or there were never enough.</summary>
    public FrozenBaseline? Baseline { get; init; }

    /// <summary>The largest census of this rollout, in nodes.</summary>
    public int CensusNMax { get; init; }

    /// <summary>Why it stands where it stands.</summary>
    public required Why Why { get; init; }

    /// <summary>When it reached a final phase.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The way back, from the decision to take it on; null: none was taken.</summary>
    public WayBack? Return { get; init; }

    /// <summary>What the shadow stage found, kept after it; null: there was none, or nobody has looked yet.</summary>
    public ShadowFindings? Shadow { get; init; }

    /// <summary>The index of the shadow stage.</summary>
    public const int ShadowIndex = -1;

    /// <summary>Whether it is in the shadow stage, also while it is paused there or after it was taken back from there.</summary>
    [JsonIgnore]
    public bool InShadow => StageIndex == ShadowIndex;

    /// <summary>The stage, where there is one.</summary>
    [JsonIgnore]
    public PlanStage? Stage =>
        Plan is not { } plan ? null
        : InShadow ? PlanStage.Shadow
        : StageIndex < plan.Stages.Length ? plan.Stages[StageIndex] : null;

    /// <summary>Whether nothing more can happen to it: it is complete, or taken back from every node. Until then its fleet is in flight.</summary>
    [JsonIgnore]
    public bool IsFinal => Phase is RolloutPhase.Complete or RolloutPhase.RolledBack && Return is not { IsOpen: true };
}

/// <summary>What kind of change of a fleet's bundle a record is.</summary>
public enum RolloutKind
{
    /// <summary>A fleet's first bundle.</summary>
    Baseline,

    /// <summary>A staged rollout.</summary>
    Rollout,

    /// <summary>The whole fleet at once to a bundle that it ran before. ACTIVE until every node has followed, then COMPLETE.</summary>
    FastTrack,
}

/// <summary>The wedge's states.</summary>
public enum RolloutPhase
{
    /// <summary>Not begun.</summary>
    [JsonStringEnumMemberName("PENDING")]
    Pending,

    /// <summary>In a stage.</summary>
    [JsonStringEnumMemberName("ACTIVE")]
    Active,

    /// <summary>Stopped until an operator resumes it.</summary>
    [JsonStringEnumMemberName("PAUSED")]
    Paused,

    /// <summary>Done.</summary>
    [JsonStringEnumMemberName("COMPLETE")]
    Complete,

    /// <summary>Taken back.</summary>
    [JsonStringEnumMemberName("ROLLED_BACK")]
    RolledBack,
}

/// <summary>The one machine-readable reason for where a rollout stands.</summary>
/// <param name="Code">Stable and dotted, such as <c>stage.window</c> or <c>criterion.failed</c>.</param>
/// <param name="Sentence">The same for a person.</param>
/// <param name="Since">Since when.</param>
/// <param name="Next">What happens next, or what somebody could do.</param>
/// <param name="Criterion">The criterion, as it stands in the plan.</param>
/// <param name="Measured">What was measured.</param>
/// <param name="Limit">What it was held against.</param>
public sealed record Why(
    string Code, string Sentence, DateTimeOffset Since, string? Next = null, string? Criterion = null, double? Measured = null, double? Limit = null)
{
    /// <summary>Until when that is so, where it is known; null: it is not.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>What the window's metrics say.</summary>
public sealed record Verdict(VerdictKind Kind, string Code, string Sentence, ImmutableArray<CriterionResult> Criteria, double Samples)
{
    /// <summary>What it rests on in the shadow stage; null in every other.</summary>
    [JsonIgnore]
    public ShadowFindings? Shadow { get; init; }
}

/// <summary>What one criterion says.</summary>
/// <param name="Criterion">As it stands in the plan.</param>
/// <param name="Kind">The verdict on it.</param>
/// <param name="Measured">What was measured; null where that is missing.</param>
/// <param name="Limit">What it was held against; null where that is missing.</param>
/// <param name="Note">Why it cannot be told: a code of <see cref="Judge"/>; null where it can.</param>
public sealed record CriterionResult(string Criterion, VerdictKind Kind, double? Measured, double? Limit, string? Note = null)
{
    /// <summary><c>concurrent</c> or <c>frozen</c>: whether the baseline it was compared with was measured at the same time; null: it was compared with none.</summary>
    public string? Baseline { get; init; }

    /// <summary>Who attested it; null: a program evaluated it, or nobody has.</summary>
    public string? AttestedBy { get; init; }
}

/// <summary>What a person said of a criterion.</summary>
/// <param name="Criterion">As it stands in the plan.</param>
/// <param name="Met">Whether it is met.</param>
/// <param name="By">Who.</param>
/// <param name="Reason">Why, in the person's words.</param>
/// <param name="At">When.</param>
public sealed record Attestation(string Criterion, bool Met, Actor By, string Reason, DateTimeOffset At);

/// <summary>The three verdicts.</summary>
public enum VerdictKind
{
    /// <summary>Every criterion held on enough fresh samples.</summary>
    [JsonStringEnumMemberName("PASS")]
    Pass,

    /// <summary>A criterion did not hold.</summary>
    [JsonStringEnumMemberName("FAIL")]
    Fail,

    /// <summary>Too few samples, stale or missing metrics: neither healthy nor ill.</summary>
    [JsonStringEnumMemberName("INCONCLUSIVE")]
    Inconclusive,
}
