using System.Collections.Frozen;

namespace OrleansPolicy.Silo.Security;

/// <summary>Who may do what: the whole of it, in one place.</summary>
public static class AccessTable
{
    private static readonly Permission[] Reading = [Permission.KnowTheApi, Permission.ReadPolicy, Permission.ReadFleet, Permission.ReadNode, Permission.Read, Permission.Handshake];

    // What reaches across tenants comes with no role of a tenant, but with an admin key of the installation.
    private static readonly Permission[] OfInstallation = [Permission.ManageTenants, Permission.ManageInstallationKeys, Permission.ArmAll, Permission.ReadMetrics];

    private static readonly FrozenDictionary<Role, FrozenSet<Permission>> Table = new Dictionary<Role, Permission[]>
    {
        [Role.Viewer] = [.. Reading, Permission.Decide, Permission.DecideOnNode],
        [Role.Publisher] = [.. Reading, Permission.Decide, Permission.DecideOnNode, Permission.Publish, Permission.MoveTags, Permission.RecordRuns, Permission.Admit],
        [Role.Operator] =
        [
            .. Reading, Permission.Decide, Permission.DecideOnNode, Permission.MoveTags, Permission.RecordRuns, Permission.Admit, Permission.LimitUpdates,
            Permission.ConfigureFleets, Permission.Operate, Permission.Restrain, Permission.Reload, Permission.Disarm, Permission.Arm, Permission.RegisterNodes, Permission.KeepNode,
            Permission.LogDecisions,
        ],
        [Role.Approver] = [.. Reading, Permission.Approve, Permission.Restrain, Permission.Disarm, Permission.Arm],
        [Role.Relay] =
        [
            Permission.KnowTheApi, Permission.ReadPolicy, Permission.ReadFleet, Permission.ReadNode, Permission.RegisterNodes,
            Permission.ReportForNodes, Permission.KeepNode, Permission.LogDecisions, Permission.Handshake,
        ],
        [Role.Node] =
        [
            Permission.KnowTheApi, Permission.ReadPolicy, Permission.DecideOnNode, Permission.ActAsNode, Permission.ReadNode, Permission.KeepNode,
            Permission.LogDecisions, Permission.Handshake,
        ],
        [Role.Admin] = [.. Enum.GetValues<Permission>().Except(OfInstallation)],
    }.ToFrozenDictionary(row => row.Key, row => row.Value.ToFrozenSet());

    /// <summary>Whether a role includes a permission within its tenant.</summary>
    public static bool Allows(Role role, Permission permission) => Table.TryGetValue(role, out var granted) && granted.Contains(permission);

    /// <summary>Whether a caller has a permission somewhere; where, <see cref="AccessControl"/> sees to.</summary>
    public static bool Allows(ApiCaller caller, Permission permission)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return Allows(caller.Role, permission) || (caller.IsInstallationAdmin && OfInstallation.Contains(permission));
    }
}
