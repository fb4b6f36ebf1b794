using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>What the plan reader holds a plan against besides itself.</summary>
public sealed record PlanContext
{
    /// <summary>Whether the bounds of critical subsystems apply.</summary>
    public bool Critical { get; init; }

    /// <summary>The fleet's units: then stages are counted in nodes, and a fleet too small for one is refused. Null: no fleet was named.</summary>
    public ImmutableArray<CensusUnit>? Census { get; init; }

    /// <summary>What the tenant holds back: its caps bound the stages as the plan's do.</summary>
    public Restraints Restraints { get; init; } = Restraints.None;

    /// <summary>Whether the plan is to be started: its <c>wedge_state</c> is then PENDING or none.</summary>
    public bool ForStart { get; init; }

    /// <summary>Whether a waiver lifts the multi-stage rule: one stage is enough then, and the first may reach any share.</summary>
    public bool Waived { get; init; }

    /// <summary>The queries that the process is configured with: criteria may name these and no others. Null: which ones there are is not known.</summary>
    public IReadOnlySet<string>? Queries { get; init; }

    /// <summary>The path of the plan in the request, for the problems' paths.</summary>
    public string Path { get; init; } = "$";
}

/// <summary>What became of a plan's JSON.</summary>
/// <param name="Plan">The plan; null exactly when there are errors.</param>
/// <param name="Errors">Everything that is wrong, in the order of the document.</param>
/// <param name="Warnings">What is allowed but perhaps not meant.</param>
/// <param name="PlannedHours">Contract hours: all durations, and one observation window for each stage.</param>
/// <param name="InitialWindowHours">Contract hours that the initial percentage adds, where stage 1 begins below its target.</param>
/// <param name="Stages">The stages as far as they could be read.</param>
public sealed record PlanReading(
    RolloutPlan? Plan, ImmutableArray<Problem> Errors, ImmutableArray<Problem> Warnings, double PlannedHours, double? InitialWindowHours,
    ImmutableArray<StageSize> Stages)
{
    /// <summary>Contract hours that the shadow stage adds before the first; null: there is none.</summary>
    public double? ShadowWindowHours { get; init; }

    /// <summary>Whether the plan may be used.</summary>
    public bool Valid => Errors.IsEmpty;
}

/// <summary>A stage in nodes.</summary>
/// <param name="StageId">The stage; null where it has no usable id.</param>
/// <param name="TargetPercentage">Its percentage; null where it has no usable one.</param>
/// <param name="Nodes">How many nodes of the named fleet that is at most; null where no fleet was named.</param>
/// <param name="DurationHours">Its planned contract hours; null where it has no usable ones.</param>
public sealed record StageSize(string? StageId, decimal? TargetPercentage, int? Nodes = null, double? DurationHours = null);
