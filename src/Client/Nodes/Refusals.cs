using OrleansPolicy.Decisions;

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

    private static Decision Deny(string reason) => new(false, false, reason, null, null, null);
}
