namespace Orleans.Runtime;

/// <summary>
/// Marks a constructor parameter as a state. A row is keyed by this name, the grain's key and the service id, not by the
/// grain's class: two classes with the same state name and key share a row.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
public class PersistentStateAttribute(string stateName, string? storageName = null) : Attribute
{
    public string StateName { get; } = stateName;

    /// <summary>Null: the default storage.</summary>
    public string? StorageName { get; } = storageName;
}
