namespace OrleansPolicy.Waves;

/// <summary>The codes of why a wave stands where it stands.</summary>
public static class WaveReasons
{
    /// <summary>Its step is on its way.</summary>
    public const string Running = "wave.running";

    /// <summary>A person halted it.</summary>
    public const string Paused = "wave.paused";

    /// <summary>A fleet's rollout is paused.</summary>
    public const string FleetPaused = "wave.fleet_paused";

    /// <summary>A fleet's rollout went back.</summary>
    public const string FleetRolledBack = "wave.fleet_rolled_back";

    /// <summary>The start of a fleet's rollout was refused.</summary>
    public const string FleetRefused = "wave.fleet_refused";

    /// <summary>A person took it back.</summary>
    public const string RolledBack = "wave.rolled_back";

    /// <summary>A person gave it up.</summary>
    public const string Ended = "wave.ended";

    /// <summary>It is done.</summary>
    public const string Complete = "wave.complete";
}
