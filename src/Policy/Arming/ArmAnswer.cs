using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Arming;

/// <summary>What became of an arm or a disarm.</summary>
public sealed record ArmAnswer
{
    /// <summary>Whether the scope is armed now. A node in it serves only where no other scope disarms it.</summary>
    public required bool Armed { get; init; }

    /// <summary>Rises with each; nodes confirm this one or a higher one.</summary>
    public required long ArmEpoch { get; init; }

    /// <summary>The scope: what it names.</summary>
    public required ArmScope Scope { get; init; }

    /// <summary>When it became durable.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether arming again takes two people.</summary>
    public bool Emergency { get; init; }

    /// <summary>Covered nodes that said that they follow, or are certain to have stopped.</summary>
    public int Confirmed { get; init; }

    /// <summary>The others, at most 1,000 by name.</summary>
    public ImmutableArray<string> Unconfirmed { get; init; } = [];

    /// <summary>How many they are.</summary>
    public int UnconfirmedCount { get; init; }

    /// <summary>Of a disarm: when every covered node has stopped, or at the latest is fenced; null: leases are off, and nothing bounds it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public DateTimeOffset? InForceBy { get; init; }

    /// <summary>The arm that waits.</summary>
    public string? PendingId { get; init; }

    /// <summary><c>second_person</c>.</summary>
    public string? Needs { get; init; }
}
