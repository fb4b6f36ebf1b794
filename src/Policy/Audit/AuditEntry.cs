using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Audit;

/// <summary>What happened, before it has its place in the chain.</summary>
public sealed record AuditDraft
{
    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The subject that acted; <c>control-plane</c> where nobody did.</summary>
    public required string Actor { get; init; }

    /// <summary>Dotted, such as <c>rollout.advanced</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to, as a path: <c>fleets/edge/rollouts/7f…</c>.</summary>
    public required string Subject { get; init; }

    /// <summary><c>RWG-001</c> to <c>RWG-004</c> for the events of the rollout wedge.</summary>
    public string? Code { get; init; }

    /// <summary>The stage it happened in.</summary>
    public string? StageId { get; init; }

    /// <summary>That stage's percentage, 0 to 100.</summary>
    public decimal? TargetPercentage { get; init; }

    /// <summary>The metric values that led to it.</summary>
    public ImmutableSortedDictionary<string, double>? Metrics { get; init; }

    /// <summary>How long a contract hour lasts, in seconds, for rollout events.</summary>
    public double? HourSeconds { get; init; }

    /// <summary>The reason a person gave, or the sentence of the machine-readable one.</summary>
    public string? Reason { get; init; }

    /// <summary>Through which interface, <see cref="Audit.Actor.Interface"/>.</summary>
    public string? Interface { get; init; }

    /// <summary>Further facts, text by name: hashes, versions, epochs.</summary>
    public ImmutableSortedDictionary<string, string>? Detail { get; init; }
}

/// <summary>An entry in a tenant's chain.</summary>
/// <param name="Seq">1, 2, 3, … without a gap.</param>
/// <param name="Draft">What happened.</param>
/// <param name="PrevHash">The hash of the entry before; 64 zeros for the first.</param>
/// <param name="Hash">SHA-256 over the canonical JSON of the entry without this field, lower-case hex.</param>
[JsonConverter(typeof(AuditEntryJson))]
public sealed record AuditEntry(long Seq, AuditDraft Draft, string PrevHash, string Hash);

/// <summary>Where a tenant's chain ends.</summary>
/// <param name="Seq">The last entry's number; 0 for an empty chain.</param>
/// <param name="Hash">The last entry's hash; 64 zeros for an empty chain.</param>
public sealed record AuditHead(long Seq, string Hash)
{
    /// <summary>The head of an empty chain.</summary>
    public static AuditHead Empty { get; } = new(0, new string('0', 64));
}
