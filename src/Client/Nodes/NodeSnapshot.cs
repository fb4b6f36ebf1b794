using OrleansPolicy.Decisions;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

/// <summary>
/// All that a decision needs, immutable: a decision reads one reference once and never sees half a change. Requests in flight
/// finish on the snapshot they began with.
/// </summary>
internal sealed record NodeSnapshot
{
    public static readonly NodeSnapshot Initial = new();

    /// <summary>The bundle in force; null: none yet.</summary>
    public LoadedPolicy? Policy { get; init; }

    /// <summary>When it was put in force, on the node's clock.</summary>
    public DateTimeOffset? LoadedAt { get; init; }

    /// <summary>Whether all this was kept from before a restart, and nothing was heard since.</summary>
    public bool Offline { get; init; }

    /// <summary>The highest epoch heard.</summary>
    public long Epoch { get; init; }

    public long ArmEpoch { get; init; }

    public bool Armed { get; init; } = true;

    /// <summary>The hash the directive demands.</summary>
    public string? WantedHash { get; init; }

    /// <summary>The hash that may be served until then.</summary>
    public string? FallbackHash { get; init; }

    /// <summary>Its parity group as it was heard; null: it has none.</summary>
    public GroupDirective? Group { get; init; }

    /// <summary>Makes decisions again under a bundle that is not in force; null: nothing does, nearly always.</summary>
    public ShadowRun? Shadow { get; init; }

    /// <summary>The monotonic time stamp at which serving must end. Before the first answer: always past. Leases off: never.</summary>
    public long LeaseUntil { get; init; } = long.MinValue;

    /// <summary>Numbers the times that the node became leader; 0: it is not.</summary>
    public long Term { get; init; }

    /// <summary>The hash for which the handshake succeeded in this term; null: none.</summary>
    public string? AgreedHash { get; init; }

    /// <summary>Why the node must not serve, whatever the lease says; null: it may.</summary>
    public Decision? Refusal => (Policy, Armed) switch
    {
        (_, false) => Refusals.Disarmed,
        (null, _) => Refusals.NoPolicy,
        ({ } policy, _) when Group is not null => GroupRefusal(policy.PolicyHash) ?? LeaderRefusal(policy.PolicyHash),
        ({ } policy, _) when policy.PolicyHash != WantedHash && policy.PolicyHash != FallbackHash => Refusals.Superseded,
        ({ } policy, _) => LeaderRefusal(policy.PolicyHash),
    };

    /// <summary>The hash under which the next decision is made, as it is reported; null: none, or a cap has no room for the node in its group.</summary>
    public string? ServedHash => Group is { OverCap: true } ? null : Policy?.PolicyHash;

    /// <summary>Whether the directive of <see cref="Epoch"/> is in force.</summary>
    public bool InForce => Policy?.PolicyHash == WantedHash && !IsSwitching;

    /// <summary>Whether its parity group is on its way: what is demanded is prepared, and put in force once the group is told so.</summary>
    public bool IsSwitching => Group is { Phase: not ParityPhase.Commit };

    /// <summary>What it says of its group's switch; null: nothing was heard of a group in this life of the process.</summary>
    public GroupWord? GroupWord(bool isPrepared) => Group is { } group && !Offline
        ? new GroupWord(Epoch, isPrepared, IsSwitching && !group.LetsServe(Policy?.PolicyHash, WantedHash, FallbackHash))
        : null;

    private Decision? LeaderRefusal(string hash) => Term > 0 && hash != AgreedHash ? Refusals.Handshake : null;

    // What its group ran before a restart is not known to be what it runs now; and whom a cap has no room for runs nothing.
    private Decision? GroupRefusal(string hash) =>
        Offline || Group!.OverCap ? Refusals.Parity
        : Group.LetsServe(hash, WantedHash, FallbackHash) ? null
        : IsSwitching ? Refusals.ParitySwitch
        : Refusals.Superseded;
}
