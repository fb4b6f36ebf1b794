using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>The codes of <see cref="Why"/>: one for every place a rollout can stand in. API, CLI and metric labels use the same.</summary>
public static class RolloutReasons
{
    /// <summary>The observation window is running.</summary>
    public const string Window = "stage.window";

    /// <summary>The window has passed; the planned duration has not.</summary>
    public const string Duration = "stage.duration";

    /// <summary>Too few of the assigned nodes have the target in force.</summary>
    public const string NotAcked = "nodes.not_acked";

    /// <summary>Everything is in place but the approval of another person.</summary>
    public const string Approval = "approval.waiting";

    /// <summary>Everything is in place: the next look advances.</summary>
    public const string Ready = "stage.ready";

    /// <summary>The tenant's line is stopped: nothing starts or goes forward until somebody releases it.</summary>
    public const string LineStopped = "line.stopped";

    /// <summary>Everything is in place, within a freeze window that denies.</summary>
    public const string FreezeWindow = "freeze.window";

    /// <summary>Everything is in place, outside all windows that allow.</summary>
    public const string FreezeOutside = "freeze.outside";

    /// <summary>Success was not there for three windows (RWG-002).</summary>
    public const string ThreeWindows = "pause.three_windows";

    /// <summary>A success criterion failed and the plan says freeze (RWG-002).</summary>
    public const string Frozen = "pause.criterion_failed";

    /// <summary>An operator paused it (RWG-002).</summary>
    public const string PausedByOperator = "pause.operator";

    /// <summary>A rollback trigger fired (RWG-003).</summary>
    public const string Trigger = "rollback.trigger";

    /// <summary>More of the fleet than allowed runs or is assigned the target (RWG-003).</summary>
    public const string BlastRadius = "rollback.blast_radius";

    /// <summary>More nodes refused the target, or gave no answer, than the budget allows (RWG-003).</summary>
    public const string Nacks = "rollback.nack_budget";

    /// <summary>A success criterion failed and the plan says roll back (RWG-003).</summary>
    public const string CriterionFailed = "rollback.criterion_failed";

    /// <summary>The verdict was inconclusive and the plan says roll back (RWG-003).</summary>
    public const string Inconclusive = "rollback.inconclusive";

    /// <summary>An operator took it back (RWG-003).</summary>
    public const string RolledBackByOperator = "rollback.operator";

    /// <summary>The fleet was disarmed and the plan says roll back (RWG-003).</summary>
    public const string Disarmed = "rollback.disarmed";

    /// <summary>Nodes know a higher epoch than the control plane: nothing is decided until an admin raises it.</summary>
    public const string EpochBehind = FleetProblems.EpochBehind;

    /// <summary>A fast-track took the fleet elsewhere (RWG-003).</summary>
    public const string Superseded = "rollback.superseded";

    /// <summary>The way back takes longer than its deadline.</summary>
    public const string Overdue = "rollback.overdue";

    /// <summary>An operator brought the whole fleet to a bundle that it ran before (RWG-003).</summary>
    public const string FastTrack = "rollback.fast_track";

    /// <summary>It is done: the whole fleet runs the target (RWG-004).</summary>
    public const string Complete = "complete";

    /// <summary>It is done and ends below 100 %: the fleet stays split (RWG-004).</summary>
    public const string CompleteSplit = "complete.split";

    /// <summary>The fleet's first bundle is in force.</summary>
    public const string Baseline = "complete.baseline";
}

/// <summary>The codes of what can be wrong with a command to a rollout.</summary>
public static class RolloutProblems
{
    /// <summary>The state does not allow the command; the message names the state.</summary>
    public const string State = "rollout.state";

    /// <summary>There is no such rollout.</summary>
    public const string Unknown = "rollout.unknown";

    /// <summary>The id is taken.</summary>
    public const string Exists = "rollout.exists";

    /// <summary>The fleet has no bundle to go back to.</summary>
    public const string NoFallback = "rollout.no_fallback";

    /// <summary>The whole fleet runs the target already.</summary>
    public const string AlreadyRunning = "rollout.already_running";

    /// <summary>The fleet is split by a rollout of another bundle that ended below 100 %.</summary>
    public const string FleetSplit = "rollout.fleet_split";

    /// <summary>The fleet has its first bundle already.</summary>
    public const string HasBaseline = "fleet.has_baseline";

    /// <summary>The plan needs no approval, or not now.</summary>
    public const string ApprovalNotNeeded = "rollout.approval_not_needed";

    /// <summary>The author, or a key the author made, may not approve.</summary>
    public const string SamePerson = "rollout.same_person";

    /// <summary>The stage has no such success criterion, or a program evaluates it.</summary>
    public const string NotAttestable = "rollout.not_attestable";

    /// <summary>As many rollouts of the tenant are in flight as it lets be at a time.</summary>
    public const string TenantCap = "rollout.tenant_cap";

    /// <summary>The fleet is not offered this bundle again until it is released.</summary>
    public const string Quarantined = "rollout.quarantined";

    /// <summary>There is no bundle to go back to: the fleet never ran it as a whole, or nothing before what it runs.</summary>
    public const string NeverComplete = "rollout.never_complete";

    /// <summary>The fleet runs another bundle by now than the one it was to be taken back from.</summary>
    public const string MovedOn = "rollout.moved_on";

    /// <summary>The directive that was shown is older than the one the rollout wrote: look again.</summary>
    public const string StaleDirective = "rollout.stale_directive";
}

/// <summary>The event codes of the rollout wedge.</summary>
public static class RolloutCodes
{
    /// <summary>A stage was entered after the one before was passed.</summary>
    public const string Advanced = "RWG-001";

    /// <summary>Paused.</summary>
    public const string Paused = "RWG-002";

    /// <summary>Rolled back.</summary>
    public const string RolledBack = "RWG-003";

    /// <summary>Completed.</summary>
    public const string Completed = "RWG-004";
}
