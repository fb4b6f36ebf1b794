using System.Collections.Immutable;

namespace OrleansPolicy.Client;

/// <summary>What became of one reload.</summary>
public sealed record ReloadResult
{
    /// <summary>Whether the bundle is in force.</summary>
    public required bool Success { get; init; }

    /// <summary>The version in force now: after a failure still the old one; null: none.</summary>
    public required string? Version { get; init; }

    /// <summary>The hash in force now.</summary>
    public required string? PolicyHash { get; init; }

    /// <summary>The epoch under which it is in force.</summary>
    public required long Epoch { get; init; }

    /// <summary>From the start of the reload to its swap or failure, in milliseconds.</summary>
    public required double DurationMs { get; init; }

    /// <summary>How many rules the new bundle has; 0 on failure.</summary>
    public required int PoliciesLoaded { get; init; }

    /// <summary>Which part was at fault, a code of <see cref="Bundles.ReloadCodes"/>; null on success.</summary>
    public string? Code { get; init; }

    /// <summary>Everything that was found, for people and programs; empty on success.</summary>
    public ImmutableArray<Problem> Problems { get; init; } = [];

    /// <summary>The same in one sentence; null on success.</summary>
    public string? Error { get; init; }
}

/// <summary>What a reload may do beyond the usual.</summary>
public sealed record ReloadOrder
{
    /// <summary>Whether a bundle is taken that has expired. Default false.</summary>
    public bool AllowExpired { get; init; }

    /// <summary>Whether a bundle is taken whose sequence is below one that was seen: the way back of signed sequences. Default false.</summary>
    public bool AllowOlder { get; init; }
}

/// <summary>How a bundle file is watched.</summary>
public enum BundleFileWatch
{
    /// <summary>By the file system's events, and by looking again every <see cref="PolicyNodeOptions.BundleFilePoll"/> where these do not come.</summary>
    EventsAndPolling,

    /// <summary>By looking alone: for network file systems whose events mislead.</summary>
    Polling,

    /// <summary>Not at all: only <see cref="PolicyNode.ReloadAsync(ReloadOrder?, CancellationToken)"/> reads it.</summary>
    None,
}
