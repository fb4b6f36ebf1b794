namespace OrleansPolicy.Silo.Security;

/// <summary>What a key is for.</summary>
public enum Role
{
    /// <summary>Reads everything of its tenant.</summary>
    Viewer,

    /// <summary>Publishes bundles and moves tags.</summary>
    Publisher,

    /// <summary>Runs fleets and rollouts.</summary>
    Operator,

    /// <summary>Lets a manual rollout leave its stage.</summary>
    Approver,

    /// <summary>Registers and reports in batches for one fleet.</summary>
    Relay,

    /// <summary>Acts for one node of one fleet.</summary>
    Node,

    /// <summary>Everything in its tenant; without a tenant, everything everywhere.</summary>
    Admin,
}
