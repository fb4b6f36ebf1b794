using System.Collections.Immutable;
using System.Text.Json.Serialization;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Fleets;

/// <summary>A node's word: what it runs, and how it fares. Metrics count what happened since the node's previous report.</summary>
public sealed record NodeReport
{
    /// <summary>Names one life of the node's process.</summary>
    public required string BootId { get; init; }

    /// <summary>Rises with each report of one boot; a lower or equal one is ignored.</summary>
    public required long Seq { get; init; }

    /// <summary>The node's clock, for people only.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>The highest epoch that the node has heard and acted on.</summary>
    public required long Epoch { get; init; }

    /// <summary>The highest armed epoch that it has heard.</summary>
    public long ArmEpoch { get; init; }

    /// <summary>The hash under which its next decision is made; null: it has none.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>Whether it serves as armed.</summary>
    public bool Armed { get; init; } = true;

    /// <summary>True: the directive of <see cref="Epoch"/> is in force here. False: it could not be, and <see cref="Error"/> says why.</summary>
    public required bool Ack { get; init; }

    /// <summary>How it stands in its parity group's switch; null: it heard of no group.</summary>
    public GroupWord? Group { get; init; }

    /// <summary>Why not, in the node's own words: a code and a sentence.</summary>
    public string? Error { get; init; }

    /// <summary>The last reload, where one happened since the previous report.</summary>
    public ReloadRecord? Reload { get; init; }

    /// <summary>What it refused since the previous report, by reason; at most <see cref="ReportRules.RejectionsMax"/>.</summary>
    public ImmutableArray<RejectedDecisions> Rejections { get; init; } = [];

    /// <summary>How often it became leader of its application since the previous report.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Promotions { get; init; }

    /// <summary>What it says of the bundle that it evaluates beside the one in force; null: none, or it knows no such thing.</summary>
    public ShadowWord? Shadow { get; init; }

    /// <summary>By metric name. <c>decisions</c> counts the decisions: one decision is one sample.</summary>
    public ImmutableSortedDictionary<string, MetricValue> Metrics { get; init; } = ImmutableSortedDictionary<string, MetricValue>.Empty;
}

/// <summary>One attempt to change a node's bundle.</summary>
/// <param name="At">When it ended.</param>
/// <param name="Version">The version in force after it.</param>
/// <param name="PolicyHash">The hash in force after it.</param>
/// <param name="Success">Whether the new bundle is in force.</param>
/// <param name="DurationMs">From the start of the fetch to the swap, in milliseconds.</param>
/// <param name="Rules">How many rules were loaded; 0 on failure.</param>
/// <param name="Error">Why not.</param>
public sealed record ReloadRecord(
    DateTimeOffset At, string? Version, string? PolicyHash, bool Success, double DurationMs, int Rules, string? Error = null)
{
    /// <summary>Which part was at fault, a code of <see cref="Bundles.ReloadCodes"/>; null on success.</summary>
    public string? Code { get; init; }
}
