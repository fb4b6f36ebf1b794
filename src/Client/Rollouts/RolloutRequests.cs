using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Client;

/// <summary>A rollout to be started.</summary>
public sealed record NewRollout
{
    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>The bundle: a hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</summary>
    public required string Ref { get; init; }

    /// <summary>The plan.</summary>
    public required JsonElement RolloutWedge { get; init; }

    /// <summary>Whether the bounds of critical subsystems apply.</summary>
    public bool Critical { get; init; }

    /// <summary>The waiver of the multi-stage rule that it uses; null: none.</summary>
    public string? WaiverId { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }
}

/// <summary>What the validator says of a plan.</summary>
public sealed record PlanVerdict
{
    /// <summary>Whether it may be started.</summary>
    public required bool Valid { get; init; }

    /// <summary>Everything that is wrong.</summary>
    public ImmutableArray<Problem> Errors { get; init; } = [];

    /// <summary>What is allowed but likely not meant.</summary>
    public ImmutableArray<Problem> Warnings { get; init; } = [];

    /// <summary>Contract hours from start to completion at best.</summary>
    public double PlannedHours { get; init; }

    /// <summary>Contract hours at the initial percentage before them.</summary>
    public double? InitialWindowHours { get; init; }

    /// <summary>Contract hours of the shadow stage before them; null: there is none.</summary>
    public double? ShadowWindowHours { get; init; }

    /// <summary>The stages.</summary>
    public ImmutableArray<PlannedStage> Stages { get; init; } = [];
}

/// <summary>A stage of a plan that was validated.</summary>
/// <param name="StageId">The stage; null where it has no usable id.</param>
/// <param name="TargetPercentage">Its percentage; null where it has no usable one.</param>
/// <param name="Nodes">How many nodes that is, where the fleet was given.</param>
/// <param name="DurationHours">Its planned contract hours; null where it has no usable ones.</param>
public sealed record PlannedStage(string? StageId, decimal? TargetPercentage, int? Nodes, double? DurationHours = null);

/// <summary>Why something stands where it stands.</summary>
public sealed record WhyAnswer
{
    /// <summary>The state it is in.</summary>
    public string? State { get; init; }

    /// <summary>Stable and dotted.</summary>
    public required string Code { get; init; }

    /// <summary>The same for a person.</summary>
    public required string Sentence { get; init; }

    /// <summary>The criterion, as it stands in the plan.</summary>
    public string? Criterion { get; init; }

    /// <summary>What was measured.</summary>
    public double? Measured { get; init; }

    /// <summary>What it was held against.</summary>
    public double? Limit { get; init; }

    /// <summary>Since when.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Until when, where that is known.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>What happens next, or what somebody could do.</summary>
    public string? Next { get; init; }
}
