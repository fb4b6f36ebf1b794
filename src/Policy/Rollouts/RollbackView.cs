using System.Collections.Immutable;
using System.Globalization;

namespace OrleansPolicy.Rollouts;

/// <summary>A way back for a reader: its four times, and who has returned.</summary>
public sealed record RollbackView
{
    /// <summary>T0: when the report, metric or command was accepted that completes the reason.</summary>
    public required DateTimeOffset DetectedAt { get; init; }

    /// <summary>When it was decided.</summary>
    public required DateTimeOffset DecidedAt { get; init; }

    /// <summary>When the decision was known to be durable.</summary>
    public DateTimeOffset? DurableAt { get; init; }

    /// <summary>When the last node ACKed.</summary>
    public DateTimeOffset? LastAckAt { get; init; }

    /// <summary>When every node had ACKed or was fenced; null: it is not over.</summary>
    public DateTimeOffset? OverAt { get; init; }

    /// <summary>Milliseconds from detection to decision.</summary>
    public double DecideMs { get; init; }

    /// <summary>Milliseconds from decision to durable.</summary>
    public double? DurableMs { get; init; }

    /// <summary>Milliseconds from durable to the last ACK.</summary>
    public double? LastAckMs { get; init; }

    /// <summary>Milliseconds from detection until it was over.</summary>
    public double? OverMs { get; init; }

    /// <summary>Seconds from detection within which it must be over.</summary>
    public required int DeadlineSec { get; init; }

    /// <summary>Whether it took or takes longer than that.</summary>
    public bool Overdue { get; init; }

    /// <summary>The fast-track that ended it by taking the fleet elsewhere.</summary>
    public string? SupersededBy { get; init; }

    /// <summary>The nodes that had to return: how many, and what became of them.</summary>
    public ReturnCounts? Nodes { get; init; }

    /// <summary>A way back with the counts of its nodes, where they are known.</summary>
    public static RollbackView Of(WayBack back, ReturnCounts? nodes)
    {
        ArgumentNullException.ThrowIfNull(back);
        return new RollbackView
        {
            DetectedAt = back.DetectedAt,
            DecidedAt = back.DecidedAt,
            DurableAt = back.DurableAt,
            LastAckAt = back.LastAckAt ?? nodes?.LastAckAt,
            OverAt = back.OverAt,
            DecideMs = Ms(back.DetectedAt, back.DecidedAt) ?? 0,
            DurableMs = Ms(back.DecidedAt, back.DurableAt),
            LastAckMs = Ms(back.DurableAt, back.LastAckAt ?? nodes?.LastAckAt),
            OverMs = Ms(back.DetectedAt, back.OverAt),
            DeadlineSec = back.DeadlineSec,
            Overdue = back.OverdueAt is not null || back.OverAt > back.DueAt,
            SupersededBy = back.SupersededBy,
            Nodes = nodes,
        };
    }

    /// <summary>The same as text by name, for the audit.</summary>
    public ImmutableSortedDictionary<string, string> Facts()
    {
        var facts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        facts["detected_at"] = DetectedAt.ToString("O", CultureInfo.InvariantCulture);
        facts["decide_ms"] = Text(DecideMs);
        facts["overdue"] = Overdue ? "true" : "false";
        Add("durable_ms", DurableMs);
        Add("last_ack_ms", LastAckMs);
        Add("over_ms", OverMs);
        if (Nodes is { } nodes)
        {
            facts["returned"] = Text(nodes.Acked);
            facts["waiting"] = Text(nodes.Waiting);
            facts["had_to_return"] = Text(nodes.Nodes);
            facts["fenced_count"] = Text(nodes.Fenced);
            facts["fenced"] = string.Join(' ', nodes.FencedNodes);
        }

        return facts.ToImmutable();

        void Add(string name, double? ms)
        {
            if (ms is { } value)
            {
                facts[name] = Text(value);
            }
        }
    }

    // An ACK may be heard a moment before the answer of the commit that it follows.
    private static double? Ms(DateTimeOffset? from, DateTimeOffset? to) =>
        to - from is { } time ? Math.Max(0, Math.Round(time.TotalMilliseconds, 3)) : null;

    private static string Text(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);
}
