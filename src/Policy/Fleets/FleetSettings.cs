using System.Text.Json.Serialization;

namespace OrleansPolicy.Fleets;

/// <summary>What a fleet's owner chooses.</summary>
public sealed record FleetSettings
{
    /// <summary>Whether nodes serve only while armed. Default false.</summary>
    public bool RequiresArmed { get; init; }

    /// <summary>The lease, in seconds: 10 to 45, default 45; null switches leases off, and with them the rollback bound.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] // A null that was left out would come back as the default.
    public int? MaxStalenessSec { get; init; } = 45;

    /// <summary>A node that was not heard for this long has left, in seconds. Default 86,400.</summary>
    public int NodeTtlSec { get; init; } = 86_400;

    /// <summary>How often a node reports, in seconds: 0.2 to 7 and at most a sixth of the lease. Default 5.</summary>
    public double ReportIntervalSec { get; init; } = 5;

    /// <summary>The longer lease that nodes may still have from before. Kept by the control plane: what a request says of it is not looked at.</summary>
    public EarlierLease? EarlierLease { get; init; }
}
