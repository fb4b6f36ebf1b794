using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Fleets;

/// <summary>
/// What a fleet should run now. One durable row: whoever has it and a node's registration computes, alone, what that node runs.
/// </summary>
public sealed record Directive
{
    /// <summary>Rises with every change of the directive; 0 before a fleet's first bundle.</summary>
    public required long Epoch { get; init; }

    /// <summary>Rises with every change of the armed state.</summary>
    public long ArmEpoch { get; init; }

    /// <summary>The hash that the cohort (at rest: every node) runs; null before the first bundle.</summary>
    public string? Target { get; init; }

    /// <summary>The hash that everyone else runs; null at rest.</summary>
    public string? Fallback { get; init; }

    /// <summary>
    /// Where the target is a file of the control plane's machine (<see cref="FileDirective"/>): its version, which no catalog knows. Null: the
    /// target is a published bundle.
    /// </summary>
    public string? FileVersion { get; init; }

    /// <summary>Per failure domain, who is in the cohort. Empty at rest.</summary>
    public ImmutableSortedDictionary<string, DomainCut> Cuts { get; init; } = ImmutableSortedDictionary<string, DomainCut>.Empty;

    /// <summary>The stage's percentage, 0 to 100, for people; 100 at rest.</summary>
    public decimal Percentage { get; init; } = 100;

    /// <summary>When the census of the cuts was taken, for people.</summary>
    public DateTimeOffset? CensusAt { get; init; }

    /// <summary>How many nodes the census counted.</summary>
    public int CensusN { get; init; }

    /// <summary>What the stage's caps leave to those who join a group of the cohort; null: nothing bounds it.</summary>
    public StageCaps? Caps { get; init; }

    /// <summary>Hexadecimal; drawn for each rollout so that the first nodes are not always the same ones.</summary>
    public string Salt { get; init; } = "";

    /// <summary>
    /// Whether the target is only shown so far: nobody is assigned it, and every node evaluates it beside the fallback, which is in force.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Shadow { get; init; }

    /// <summary>Whether every node, present or later, runs the target.</summary>
    public bool AtRest => Cuts.IsEmpty && Fallback is null;
}

/// <summary>How far a failure domain's cohort reaches.</summary>
/// <param name="Cut">Units whose <c>SHA-256(salt || unit)</c>, lower-case hex, is at or below it are in; <see cref="All"/>: all; null: none.</param>
/// <param name="AsOf">Only units with a registration number up to this one are in: joining never puts a node into a cohort.</param>
public sealed record DomainCut(string? Cut, long AsOf)
{
    /// <summary>The cut that takes in every unit.</summary>
    public const string All = "all";
}
