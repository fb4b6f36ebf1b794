namespace OrleansPolicy.Fleets;

/// <summary>A node with what it last said.</summary>
public sealed record NodeStatus
{
    /// <summary>Its registration.</summary>
    public required NodeRecord Record { get; init; }

    /// <summary>live, silent, fenced or left.</summary>
    public required NodeState State { get; init; }

    /// <summary>The hash it last reported.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>The epoch it last reported.</summary>
    public long Epoch { get; init; }

    /// <summary>Whether it reports itself armed.</summary>
    public bool Armed { get; init; } = true;

    /// <summary>Whether it ACKed that epoch.</summary>
    public bool Acked { get; init; }

    /// <summary>Its last NACK's words.</summary>
    public string? Error { get; init; }

    /// <summary>
    /// Why nobody may decide in its name as far as its parity group goes, such as <c>decide.parity</c>; null: nothing stands against it. Told
    /// of one node, not in lists.
    /// </summary>
    public string? GroupRefusal { get; init; }

    /// <summary>When it was last heard.</summary>
    public DateTimeOffset? LastHeardAt { get; init; }

    /// <summary>When it last reported.</summary>
    public DateTimeOffset? LastReportAt { get; init; }
}

/// <summary>How a node stands to the control plane.</summary>
public enum NodeState
{
    /// <summary>Heard within half its lease.</summary>
    Live,

    /// <summary>Not heard for longer.</summary>
    Silent,

    /// <summary>Certain to have stopped serving.</summary>
    Fenced,

    /// <summary>Deleted, or not heard within the fleet's time to live.</summary>
    Left,
}
