using System.Collections.Immutable;
using OrleansPolicy.Decisions;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

/// <summary>The denials of a node that must not serve. One instance each: refusing costs nothing.</summary>
internal static class Refusals
{
    /// <summary>Nothing was heard within the lease.</summary>
    public static readonly Decision Stale = Deny("decide.stale");

    /// <summary>The directive no longer allows the loaded bundle, and the one it demands is not in force yet.</summary>
    public static readonly Decision Superseded = Deny("decide.superseded");

    /// <summary>No bundle was loaded yet.</summary>
    public static readonly Decision NoPolicy = Deny("decide.no_policy");

    /// <summary>The fleet demands that the node be armed, and it is not.</summary>
    public static readonly Decision Disarmed = Deny("decide.disarmed");

    /// <summary>It is not certain that its parity group runs what it runs.</summary>
    public static readonly Decision Parity = Deny(GroupCodes.Disagrees);

    /// <summary>Its parity group is on the way from one bundle to another.</summary>
    public static readonly Decision ParitySwitch = Deny(GroupCodes.Switching);

    /// <summary>It leads its application, and the handshake has not found that the other members run what it runs.</summary>
    public static readonly Decision Handshake = Deny("decide.parity_handshake");

    /// <summary>The decision log has no room, and was asked to let nothing through without a record.</summary>
    public static readonly Decision LogFull = Deny("decide.log_full");

    /// <summary>What a decision log says in the place of records that are missing.</summary>
    public static readonly Decision LogLost = Deny("decide.log_lost");

    /// <summary>Why an agent refuses: every one of the reasons.</summary>
    public static readonly ImmutableArray<string> Reasons = [.. new[] { Stale, Superseded, NoPolicy, Disarmed, Parity, ParitySwitch, Handshake, LogFull, LogLost }.Select(refusal => refusal.Reason)];

    private static Decision Deny(string reason) => new(false, false, reason, null, null, null);
}
