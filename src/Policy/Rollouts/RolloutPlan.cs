using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Rollouts;

/// <summary>How a rollout proceeds: the <c>rollout_wedge</c> object. Made by the plan reader only, so an instance is a valid plan.</summary>
public sealed record RolloutPlan
{
    /// <summary>At least two, in rising order (one only under a waiver).</summary>
    [JsonPropertyName("wedge_stages")]
    public required ImmutableArray<PlanStage> Stages { get; init; }

    /// <summary>Where stage 1 begins, in percent: above 0, at most the first target.</summary>
    public required decimal InitialPercentage { get; init; }

    /// <summary>How targets grow, and whether a person approves each step.</summary>
    public required IncrementPolicy IncrementPolicy { get; init; }

    /// <summary>Percent of the fleet that may be affected at any point; exceeding it rolls back.</summary>
    public required decimal MaxBlastRadius { get; init; }

    /// <summary>Contract hours each stage is watched for, at least 1.</summary>
    public required double ObservationWindowHours { get; init; }

    /// <summary>Do not wait for a stage's planned duration once its window passed.</summary>
    public bool AdvanceEarly { get; init; }

    /// <summary>What an inconclusive verdict does at the end of a window.</summary>
    public OnInconclusive OnInconclusive { get; init; } = OnInconclusive.Hold;

    /// <summary>What a failed success criterion does.</summary>
    public OnFail OnFail { get; init; } = OnFail.Hold;

    /// <summary>What DISARM does to the rollout.</summary>
    public OnDisarm OnDisarm { get; init; } = OnDisarm.Hold;

    /// <summary>Seconds, 25 to 60, within which a rollback is over.</summary>
    public int RollbackDeadlineSec { get; init; } = 60;

    /// <summary>How many NACKs are tolerated: nodes, or a percentage of the assigned nodes such as <c>2%</c>.</summary>
    public NackBudget NackBudget { get; init; } = NackBudget.None;

    /// <summary>Decisions that must have been counted in the window for a verdict.</summary>
    public int MinSamples { get; init; } = 100;

    /// <summary>Seconds (real ones) after which the newest sample is stale.</summary>
    public double FreshnessSec { get; init; } = 60;

    /// <summary>Percent of assigned nodes that must have ACKed to advance.</summary>
    public decimal MinAckedPercentage { get; init; } = 99;

    /// <summary>Bounds in nodes, in every stage below 100 %.</summary>
    public PlanCaps? Caps { get; init; }

    /// <summary>Whether a shadow stage comes first.</summary>
    public bool Shadow { get; init; }

    /// <summary>How far the new bundle may decide differently: the criterion of the shadow stage, and of a replay before the start.</summary>
    public PlanBacktest? Backtest { get; init; }

    /// <summary>How many of some nodes are enough by <see cref="MinAckedPercentage"/>; one missing is always tolerated where there are two or more.</summary>
    public int EnoughOf(int nodes)
    {
        var needed = (int)Math.Ceiling(MinAckedPercentage * nodes / 100);
        return nodes >= 2 ? Math.Min(needed, nodes - 1) : needed;
    }

    /// <summary>Whether so many of some nodes are enough.</summary>
    public bool IsEnough(int have, int nodes) => have >= EnoughOf(nodes);
}

/// <summary>One stage.</summary>
/// <param name="StageId">Unique in the plan.</param>
/// <param name="TargetPercentage">Percent of the fleet, above the stage before.</param>
/// <param name="DurationHours">Planned contract hours.</param>
/// <param name="SuccessCriteria">All must hold to advance.</param>
/// <param name="RollbackTrigger">Rolls back when it holds.</param>
public sealed record PlanStage(
    string StageId, decimal TargetPercentage, double DurationHours, ImmutableArray<string> SuccessCriteria, string RollbackTrigger)
{
    /// <summary>The stage that comes before the plan's own where it says <c>shadow: true</c>: one window, nobody assigned, nothing that fires.</summary>
    public static PlanStage Shadow { get; } = new("shadow", 0, 0, [], "");
}

/// <summary>Bounds in nodes.</summary>
/// <param name="PerDomain">At most so many nodes of one failure domain.</param>
/// <param name="MaxNodes">At most so many nodes in all.</param>
public sealed record PlanCaps(int? PerDomain = null, int? MaxNodes = null);

/// <summary>How many decisions may differ under the new bundle. One of the two is set.</summary>
/// <param name="MaxChangedDecisions">So many.</param>
/// <param name="MaxChangedPercentage">So many percent of those that were made under both.</param>
public sealed record PlanBacktest(double? MaxChangedDecisions, decimal? MaxChangedPercentage = null)
{
    /// <summary>
    /// How many of the fleet's recorded decisions must be made again before the start. Null: with a shadow stage none, it is enough that
    /// this holds there; without one <see cref="RolloutPlan.MinSamples"/>.
    /// </summary>
    public int? MinRecords { get; init; }

    /// <summary>The limit in decisions, of so many.</summary>
    public double LimitOf(double compared) => MaxChangedDecisions ?? (double)(MaxChangedPercentage ?? 0) * compared / 100;
}

/// <summary>A number of nodes, or a percentage of those assigned. One of the two is set.</summary>
public sealed record NackBudget(int? Nodes, decimal? Percentage)
{
    /// <summary>Not one NACK.</summary>
    public static NackBudget None { get; } = new(0, null);

    /// <summary>The budget in nodes, rounded down.</summary>
    public int For(int assigned) => Nodes ?? (int)Math.Floor((Percentage ?? 0) * assigned / 100);
}

/// <summary>How targets grow.</summary>
public enum IncrementPolicy
{
    /// <summary>By a fixed step.</summary>
    Linear,

    /// <summary>By a fixed factor.</summary>
    Exponential,

    /// <summary>As given; a person approves each step.</summary>
    Manual,
}

/// <summary>What an inconclusive verdict does.</summary>
public enum OnInconclusive
{
    /// <summary>Stays in the stage.</summary>
    Hold,

    /// <summary>Starts one more full window, once per stage.</summary>
    Extend,

    /// <summary>Rolls back.</summary>
    Rollback,
}

/// <summary>What a failed success criterion does.</summary>
public enum OnFail
{
    /// <summary>Stays in the stage until the three-window limit pauses it.</summary>
    Hold,

    /// <summary>Pauses at once.</summary>
    Freeze,

    /// <summary>Rolls back.</summary>
    Rollback,
}

/// <summary>What DISARM does to a rollout.</summary>
public enum OnDisarm
{
    /// <summary>Stays in the stage.</summary>
    Hold,

    /// <summary>Rolls back.</summary>
    Rollback,
}
