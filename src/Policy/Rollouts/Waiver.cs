using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// Leave to roll out without stages, without a backtest or in spite of freeze windows, on one fleet and for a time: requested by one
/// person with a reason, in force once two others have approved it.
/// </summary>
public sealed record Waiver
{
    /// <summary>The rule that a rollout has several stages, the first of them small.</summary>
    public const string MultiStage = "multi_stage";

    /// <summary>The rule that recorded decisions are made again before the start where the plan demands it.</summary>
    public const string Backtest = "backtest";

    /// <summary>The rule that rollouts stand still when freeze windows say so. No start names the waiver: it counts while it is in force.</summary>
    public const string FreezeWindow = "freeze_window";

    /// <summary>How many people other than the requester must approve.</summary>
    public const int ApprovalsNeeded = 2;

    /// <summary>The longest that one may be in force, in days.</summary>
    public const int DaysMax = 90;

    /// <summary>Its id.</summary>
    public required string WaiverId { get; init; }

    /// <summary>The fleet it is for.</summary>
    public required string Fleet { get; init; }

    /// <summary>The one bundle it is for, by hash; null: any.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>What it lifts: <see cref="MultiStage"/>, <see cref="Backtest"/> or <see cref="FreezeWindow"/>.</summary>
    public required string Rule { get; init; }

    /// <summary>Why, in the requester's words.</summary>
    public required string Reason { get; init; }

    /// <summary>Who asked for it.</summary>
    public required Actor RequestedBy { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>From when on it is void.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Who approved it.</summary>
    public ImmutableArray<WaiverApproval> Approvals { get; init; } = [];

    /// <summary>Who took it back; null: nobody.</summary>
    public Actor? RevokedBy { get; init; }

    /// <summary>When it was taken back.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>How it stands.</summary>
    public WaiverState StateAt(DateTimeOffset now) =>
        RevokedAt is not null ? WaiverState.Revoked
        : now >= ExpiresAt ? WaiverState.Expired
        : Approvals.Length >= ApprovalsNeeded ? WaiverState.Approved
        : WaiverState.Requested;
}

/// <summary>An approval of a waiver.</summary>
/// <param name="By">Who.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
public sealed record WaiverApproval(Actor By, string Reason, DateTimeOffset At);

/// <summary>How a waiver stands.</summary>
public enum WaiverState
{
    /// <summary>It waits for approvals.</summary>
    Requested,

    /// <summary>It is in force.</summary>
    Approved,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was taken back.</summary>
    Revoked,
}
