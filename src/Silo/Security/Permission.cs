namespace OrleansPolicy.Silo.Security;

/// <summary>What an endpoint demands.</summary>
public enum Permission
{
    /// <summary>Any key at all: the description of the API.</summary>
    KnowTheApi,

    /// <summary>Read trust roots, single bundles and their content: what a node needs to verify what it runs.</summary>
    ReadPolicy,

    /// <summary>Read one fleet whole: settings and directive.</summary>
    ReadFleet,

    /// <summary>Read everything else of the tenant, and the calls that only compute.</summary>
    Read,

    /// <summary>Ask for a decision of the tenant's default fleet, or its explanation.</summary>
    Decide,

    /// <summary>Ask for a decision of one node.</summary>
    DecideOnNode,

    /// <summary>Put a file in force at the control plane's own node.</summary>
    Reload,

    /// <summary>Publish bundles.</summary>
    Publish,

    /// <summary>Move tags.</summary>
    MoveTags,

    /// <summary>Record runs as evidence.</summary>
    RecordRuns,

    /// <summary>Take an admission.</summary>
    Admit,

    /// <summary>Change how often the tenant may update.</summary>
    LimitUpdates,

    /// <summary>Create and configure fleets, give them their baseline.</summary>
    ConfigureFleets,

    /// <summary>Start, pause, resume and roll back rollouts.</summary>
    Operate,

    /// <summary>Hold back the tenant's rollouts: stop the line and release it, set windows.</summary>
    Restrain,

    /// <summary>Let a manual rollout leave its stage.</summary>
    Approve,

    /// <summary>Disarm nodes, fleets or the tenant.</summary>
    Disarm,

    /// <summary>Arm them; without <see cref="Operate"/> only as the second person.</summary>
    Arm,

    /// <summary>Register many nodes at once.</summary>
    RegisterNodes,

    /// <summary>Hand over many nodes' reports at once.</summary>
    ReportForNodes,

    /// <summary>Hand over records of decisions: a node its own.</summary>
    LogDecisions,

    /// <summary>Hear a node's directive and report for it.</summary>
    ActAsNode,

    /// <summary>Read one node.</summary>
    ReadNode,

    /// <summary>Compare what a node runs with what the rest of its parity group does: a node for itself.</summary>
    Handshake,

    /// <summary>Register a node, take it out.</summary>
    KeepNode,

    /// <summary>Make and revoke keys.</summary>
    ManageKeys,

    /// <summary>Make, change, remove and see webhooks, which take the tenant's events elsewhere.</summary>
    ManageWebhooks,

    /// <summary>Set the trust root.</summary>
    ManageTrust,

    /// <summary>Raise a fleet's epoch after its nodes reported a higher one.</summary>
    RaiseEpochs,

    /// <summary>Create and list tenants. For installation admins alone.</summary>
    ManageTenants,

    /// <summary>Make and revoke keys of the installation. For installation admins alone.</summary>
    ManageInstallationKeys,

    /// <summary>Arm and disarm every tenant. For installation admins alone.</summary>
    ArmAll,

    /// <summary>Read the process's metrics from elsewhere than its own machine. For installation admins alone: they show every tenant.</summary>
    ReadMetrics,
}
