namespace OrleansPolicy.Client;

/// <summary>Whom an arm or a disarm is about.</summary>
public sealed record ArmTarget
{
    private ArmTarget(string path) => Path = path;

    /// <summary>Every fleet of the client's tenant.</summary>
    public static ArmTarget Tenant { get; } = new("");

    /// <summary>Every fleet of every tenant; for installation admins.</summary>
    public static ArmTarget Everything { get; } = new("/v1") { IsOutsideTenant = true };

    internal string Path { get; }

    internal bool IsOutsideTenant { get; private init; }

    /// <summary>A fleet.</summary>
    public static ArmTarget Fleet(string fleet) => new($"/fleets/{Uri.EscapeDataString(fleet)}");

    /// <summary>A node.</summary>
    public static ArmTarget Node(string fleet, string node) => new($"/fleets/{Uri.EscapeDataString(fleet)}/nodes/{Uri.EscapeDataString(node)}");
}
