namespace OrleansPolicy.Grains.Storage;

/// <summary>
/// Names of grain state. A stored row is keyed by state name, grain key and service, not by the grain's class: two classes that
/// shared a name and a key would share a row.
/// </summary>
public static class StateNames
{
    /// <summary>The storage provider of all grain state.</summary>
    public const string Provider = "policy";

    /// <summary>A node's reload history.</summary>
    public const string NodeHistory = "node-history";
}
