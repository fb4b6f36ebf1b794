using System.Text.Json.Serialization;

namespace OrleansPolicy.Arming;

/// <summary>Whom an arm or a disarm is about. What is left out is all of it: no node, the whole fleet; no fleet, the whole tenant; nothing, everything.</summary>
/// <param name="Tenant">The tenant; null: the installation.</param>
/// <param name="Fleet">The fleet; null: all of the tenant's.</param>
/// <param name="Node">The node, or a parity group as <c>group:NAME</c>; null: all of the fleet's.</param>
public sealed record ArmScope(string? Tenant = null, string? Fleet = null, string? Node = null)
{
    /// <summary>The whole installation.</summary>
    public static ArmScope All { get; } = new();

    /// <summary>How wide it is.</summary>
    [JsonIgnore]
    public ArmLevel Level =>
        Tenant is null ? ArmLevel.All
        : Fleet is null ? ArmLevel.Tenant
        : Node is null ? ArmLevel.Fleet
        : ArmLevel.Node;

    /// <summary>What the audit calls it, within a tenant's chain.</summary>
    [JsonIgnore]
    public string Subject => Level switch
    {
        ArmLevel.All => "all",
        ArmLevel.Tenant => "tenant",
        ArmLevel.Fleet => $"fleets/{Fleet}",
        ArmLevel.Node when Node!.StartsWith("group:", StringComparison.Ordinal) => $"fleets/{Fleet}/groups/{Node["group:".Length..]}",
        ArmLevel.Node => $"fleets/{Fleet}/nodes/{Node}",
        _ => throw new InvariantViolationException($"{Level} is not one of the four levels."),
    };
}

/// <summary>The four scopes, widest first.</summary>
public enum ArmLevel
{
    /// <summary>Every tenant of the installation.</summary>
    All,

    /// <summary>Every fleet of a tenant.</summary>
    Tenant,

    /// <summary>Every node of a fleet.</summary>
    Fleet,

    /// <summary>One node, or one parity group.</summary>
    Node,
}
