using OrleansPolicy.Audit;

namespace OrleansPolicy.Arming;

/// <summary>What was last said about a scope. One durable row; a scope of which nobody said anything has none.</summary>
public sealed record ArmRow
{
    /// <summary>The scope.</summary>
    public required ArmScope Scope { get; init; }

    /// <summary>Whether it arms what it covers; false: it disarms it.</summary>
    public required bool Armed { get; init; }

    /// <summary>Rises with every arm and disarm of the installation: the number under which nodes confirm this one.</summary>
    public required long ArmEpoch { get; init; }

    /// <summary>Why, in the words of who said it.</summary>
    public required string Reason { get; init; }

    /// <summary>Who said it; of two people, the second.</summary>
    public required Actor By { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Whether it was disarmed in an emergency: arming it again takes two people.</summary>
    public bool Emergency { get; init; }

    /// <summary>The first of the two people who arm it again.</summary>
    public PendingArm? Pending { get; init; }
}

/// <summary>An arm that waits for a second person.</summary>
/// <param name="PendingId">What the second person names.</param>
/// <param name="By">The first person.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When it was asked for; after <see cref="ArmDecider.PendingFor"/> it is void.</param>
public sealed record PendingArm(string PendingId, Actor By, string Reason, DateTimeOffset At);
