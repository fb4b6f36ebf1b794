using System.Collections.Frozen;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>What the program does with the tables of its schema once they are there: the user of a silo needs that, and no more.</summary>
internal static class TableRights
{
    private const string Read = "SELECT";
    private const string Add = "SELECT, INSERT";
    private const string Change = "SELECT, INSERT, UPDATE";
    private const string All = "SELECT, INSERT, UPDATE, DELETE";

    /// <summary>The function by which admissions are taken. What it does is done with its caller's rights.</summary>
    public const string Function = "policy_admit_group";

    /// <summary>Each table with the rights on it, separated by commas. Locking a row is a right to change it.</summary>
    public static FrozenDictionary<string, string> Needed { get; } = new Dictionary<string, string>
    {
        ["schema_version"] = Read,
        ["installation"] = Add,
        ["tenant"] = Change,
        ["tenant_control"] = Change,
        ["api_key"] = Change,
        ["session_key"] = Add,
        ["trust_root"] = Add,
        ["admission"] = Change,
        ["policy_bundle"] = Add,
        ["tag"] = Add,
        ["run"] = Add,
        ["fleet"] = Change,
        ["fleet_directive"] = Change,
        ["node"] = All,
        ["parity_switch"] = All,
        ["arm_head"] = "SELECT, UPDATE",
        ["arm_scope"] = Change,
        ["rollout"] = Change,
        ["rollout_deadline"] = All,
        ["quarantine"] = All,
        ["audit_head"] = Change,
        ["policy_audit"] = Add,
        ["operation"] = All,
        ["decision_log"] = All,
        ["decision_log_use"] = All,
        ["webhook_cursor"] = All,
        ["webhook_dead"] = All,
        ["orleansquery"] = Read,
        ["orleansstorage"] = All,
        ["orleansreminderstable"] = All,
        ["orleansmembershipversiontable"] = All,
        ["orleansmembershiptable"] = All,
    }.ToFrozenDictionary(StringComparer.Ordinal);
}
