namespace OrleansPolicy.Parity;

/// <summary>Why a member of a parity group does not serve, in a word that never changes.</summary>
public static class GroupCodes
{
    /// <summary>Its group is on the way from one bundle to another; it serves again in a moment.</summary>
    public const string Switching = "decide.parity_switch";

    /// <summary>It is not certain that its group runs what it runs, or it joined a group for which a cap of the rollout has no room.</summary>
    public const string Disagrees = "decide.parity";

    /// <summary>The group's members are of another fleet: they could never be led as one.</summary>
    public const string AcrossFleets = "parity.across_fleets";

    /// <summary>The group that a node would leave by its registration is disarmed: what was said of it holds until the group is armed.</summary>
    public const string Disarmed = "arm.group_disarmed";

    /// <summary>A member of a group reported through a relay, which cannot lead it.</summary>
    public const string Relayed = "parity.relayed";
}
